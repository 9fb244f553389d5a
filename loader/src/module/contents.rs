//! What is in a module: functions, where instructions come from, what instances need.

use anyhow::{Context, Result};
use wootz_runtime::abi::artifact::FunctionRecord;

use super::Module;

/// A function of a module that has code of its own.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct ModuleFunction {
    /// Its index in the module, imported functions counted.
    pub index: u32,
    /// Its name, from the name section.
    pub name: Option<String>,
    /// Where in [`Module::text`] its code begins.
    pub offset: usize,
    /// How many bytes of code it has.
    pub len: usize,
}

/// What a module defines that an instance needs memory for. What it imports does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResourcesRequired {
    /// How many memories it defines.
    pub num_memories: u32,
    /// The largest size that one of these begins with, in pages of its own size; `None` if there are none.
    pub max_initial_memory_size: Option<u64>,
    /// How many tables it defines.
    pub num_tables: u32,
    /// The largest size that one of these begins with, in elements; `None` if there are none.
    pub max_initial_table_size: Option<u64>,
}

impl Module {
    /// What an instance needs.
    ///
    /// ```
    /// # #[cfg(feature = "compiler")] {
    /// # use wootz::{Engine, Module};
    /// let module = Module::new(&Engine::default(), "(module (memory 6) (table 9 funcref))")?;
    /// let required = module.resources_required();
    /// assert_eq!((required.num_memories, required.max_initial_memory_size), (1, Some(6)));
    /// assert_eq!((required.num_tables, required.max_initial_table_size), (1, Some(9)));
    /// # }
    /// # Ok::<(), wootz::Error>(())
    /// ```
    pub fn resources_required(&self) -> ResourcesRequired {
        let manifest = self.code().manifest();
        ResourcesRequired {
            num_memories: manifest.memories.len() as u32,
            max_initial_memory_size: manifest.memories.iter().map(|it| it.ty.limits.min).max(),
            num_tables: manifest.tables.len() as u32,
            max_initial_table_size: manifest.tables.iter().map(|it| it.ty.limits.min).max(),
        }
    }

    /// The functions that have code, in the order of their code. Those that were compiled into all their callers, or that
    /// nobody calls, have none of their own.
    pub fn functions(&self) -> impl ExactSizeIterator<Item = ModuleFunction> + '_ {
        let tables = self.code().tables();
        let functions = self.records().map(move |(position, record)| ModuleFunction {
            index: record.function,
            name: tables.function_name(position).map(str::to_string),
            offset: record.start as usize,
            len: record.bytes as usize,
        });
        functions.collect::<Vec<_>>().into_iter()
    }

    /// The functions that have code, by their position in the table.
    fn records(&self) -> impl Iterator<Item = (usize, FunctionRecord)> + '_ {
        let tables = self.code().tables();
        let all = (0..tables.function_count()).map(move |position| {
            (position, tables.function(position).expect("as many as were counted"))
        });
        all.filter(|(_, record)| record.bytes > 0)
    }

    /// Where the code comes from: pairs of an offset in [`text`](Self::text) and the offset in the WebAssembly module from
    /// which the code from there on comes, up to the next pair. `None` in a pair stands for code that comes from nowhere in
    /// particular, such as what is between functions. Two pairs in a row are never for the same place.
    ///
    /// They are exact if the module was compiled with [`Config::generate_address_map`](crate::Config::generate_address_map) or with
    /// debug information. Otherwise they are so for what may trap and for calls, and other code seems to come from where the
    /// nearest of these in front of it does.
    ///
    /// `None` if the module was compiled without
    /// ([`Config::generate_address_map`](crate::Config::generate_address_map)).
    pub fn address_map(&self) -> Option<impl Iterator<Item = (usize, Option<u32>)> + '_> {
        let tables = self.code().tables();
        if self.records().next().is_some() && tables.positions().next().is_none() {
            return None;
        }
        let text_bytes = self.text().len();
        let mut positions = tables.positions().peekable();
        let starts = self.records().skip(1).map(|(_, next)| Some(next.start)).chain([None]);
        let entries = self.records().zip(starts).flat_map(move |((_, function), next)| {
            let (start, end) = (function.start, function.start.saturating_add(function.bytes));
            // Before the first position, and behind the function, there is code that nobody wrote.
            let mut entries = vec![(start as usize, None)];
            while let Some((code, wasm)) = positions.next_if(|&(code, _)| code < end) {
                if entries.last().is_some_and(|&(last, _)| last == code as usize) {
                    entries.pop();
                }
                entries.push((code as usize, Some(wasm)));
            }
            if next != Some(end) && (end as usize) < text_bytes {
                entries.push((end as usize, None));
            }
            entries
        });
        let mut last = None;
        Some(entries.filter(move |&(_, wasm)| last.replace(wasm) != Some(wasm)))
    }

    /// Makes the file from which the first contents of memories are mapped, if it is one that is made when it is needed;
    /// otherwise the first instance makes it.
    ///
    /// # Errors
    /// If the system refuses the file.
    pub fn initialize_copy_on_write_image(&self) -> Result<()> {
        let made = self.code().image_file().map(drop);
        made.context("failed to make the file from which memories are mapped")
    }
}
