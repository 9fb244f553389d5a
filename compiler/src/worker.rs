//! What a thread reuses from one function to the next, and how functions are spread over threads.
//!
//! Always true: results come in the order of the items, whatever thread made them; of several errors, the one of the
//! first item is reported.

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::{CompiledCode, Context};
use cranelift_frontend::FunctionBuilderContext;
use rayon::prelude::*;
use wasmparser::FuncValidatorAllocations;

use crate::error::{Error, Result};
use crate::kept::Notes;
use crate::places::Places;

/// What a thread reuses from one function to the next. `context.func` is the function being made.
pub struct Worker {
    /// Cranelift's memory, and the function being compiled.
    pub context: Context,
    /// The memory of the allocation of registers.
    pub registers: regalloc2::Ctx,
    /// What Cranelift made of the last function.
    pub code: Option<CompiledCode>,
    /// The memory of the function builder.
    pub builder: FunctionBuilderContext,
    /// The memory of the validator.
    pub validator: FuncValidatorAllocations,
    /// Where the code of the function being made comes from.
    pub places: Places,
    /// What debuggers need to know about the function being made, if they are to find anything.
    pub notes: Option<Notes>,
    /// Cranelift's switches for fuzzing itself; unused.
    pub control: ControlPlane,
}

impl Worker {
    fn new() -> Worker {
        Worker {
            context: Context::new(),
            registers: regalloc2::Ctx::default(),
            code: None,
            builder: FunctionBuilderContext::new(),
            validator: FuncValidatorAllocations::default(),
            places: Places::default(),
            notes: None,
            control: ControlPlane::default(),
        }
    }
}

/// Applies `work` to each item, on `threads` threads, or as many as there are processors.
///
/// # Errors
/// The error of the first item that has one.
pub fn in_parallel<I, O, F>(items: &[I], threads: Option<usize>, work: F) -> Result<Vec<O>>
where
    I: Sync,
    O: Send,
    F: Fn(&mut Worker, &I) -> Result<O> + Send + Sync,
{
    let work = |worker: &mut Worker, item: &I| {
        let result = work(worker, item);
        if result.is_err() {
            // What a failure leaves half made must not meet the next item.
            *worker = Worker::new();
        }
        result
    };
    if threads == Some(1) {
        let mut worker = Worker::new();
        return items.iter().map(|item| work(&mut worker, item)).collect();
    }
    let all = || -> Vec<Result<O>> {
        items.par_iter().map_init(Worker::new, |worker, item| work(worker, item)).collect()
    };
    let results = match threads {
        None => all(),
        Some(threads) => rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|e| Error::Options {
                message: format!("{threads} threads cannot be started: {e}"),
            })?
            .install(all),
    };
    results.into_iter().collect()
}
