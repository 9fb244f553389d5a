//! The function being translated: its value stack, its control stack, and access to the vmctx.

use std::collections::{HashMap, HashSet};

use cranelift_codegen::ir::{
    self, AliasRegion, AliasRegionData, Block, Endianness, ExtFuncData, ExternalName, FuncRef,
    GlobalValue, GlobalValueData, Inst, InstBuilder, InstructionData, MemFlagsData, Opcode, SigRef,
    SourceLoc, StackSlot, Type, UserExternalName, Value,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use wasmparser::BlockType;
use wootz_runtime::abi::builtin::Builtin;
use wootz_runtime::abi::index::{FuncIndex, MemoryIndex, TypeIndex};
use wootz_runtime::abi::trap::TrapCode;
use wootz_runtime::abi::types::{FuncType, RefKind, ValType};
use wootz_runtime::abi::vmctx::{Place, VmContextHeader, VmStoreContext};

use super::keep::Keeping;
use crate::convention::{
    POINTER, V128, builtin_trampoline_signature, clif_type, results_in_memory,
};
use crate::parse::val_type;
use crate::places::Places;
use crate::plan::{Growth, Plan, Symbol, Trampoline};
use crate::target::Target;

/// The function being translated.
pub(super) struct Translator<'a, 'f> {
    pub plan: &'a Plan<'a>,
    pub target: &'a Target,
    pub builder: FunctionBuilder<'f>,
    /// The type of the function.
    pub ty: &'a FuncType,
    /// The operand stack of the reachable code being translated.
    pub stack: Vec<Value>,
    /// Vectors on the operand stack that were loaded and not used yet.
    pub unused_loads: HashSet<Value>,
    /// The blocks that are open, the function's own first.
    pub control: Vec<Frame>,
    /// The position there of the outermost block of the body being translated.
    pub floor: usize,
    /// Where its code comes from.
    pub places: &'f mut Places,
    /// The function being translated, and those that are translated in place of calls.
    pub open_functions: Vec<FuncIndex>,
    /// What those that were translated in place of calls have cost.
    pub inlined: Growth,
    /// How many calls look at tables that never change.
    pub const_table_calls: u32,
    /// Whether the last call was translated so.
    pub was_inlined: bool,
    /// Whether the operator being translated can be reached.
    pub reachable: bool,
    /// Whether the operator being translated is a branch that is likely to be taken, or not to be.
    pub hint: Option<bool>,
    /// How many blocks were open where code began that is not likely to be executed. It ends with the innermost of them.
    pub cold: Option<usize>,
    pub locals: Vec<Variable>,
    pub vmctx: Value,
    /// Where results go that are too many for registers.
    pub result_memory: Option<Value>,
    /// Where the functions it calls write results that are too many for registers, as soon as there is such a call.
    pub call_results: Option<StackSlot>,
    /// If fuel is counted.
    pub fuel: Option<Fuel>,
    /// If epochs are looked at.
    pub epoch: Option<Epoch>,
    /// What the frame keeps for debuggers, if they are to find anything.
    pub keeping: Option<Keeping<'a>>,
    functions: HashMap<Symbol, FuncRef>,
}

/// The fuel of the function being translated.
#[derive(Clone, Copy)]
pub(super) struct Fuel {
    /// What the store's context had when it was last looked at, and what was consumed since.
    pub consumed: Variable,
    /// What the operators translated since then cost.
    pub pending: i64,
}

/// The epoch in the function being translated.
#[derive(Clone, Copy)]
pub(super) enum Epoch {
    /// It is looked at in each turn of a loop.
    EachTurn {
        /// Where the engine's epoch is.
        address: Variable,
        /// The deadline when it was last looked at. The real one is never earlier unless the host has moved it.
        deadline: Variable,
    },
    /// It is looked at once in many turns.
    SomeTurns {
        /// With how many turns it will be looked at.
        left: Variable,
    },
}

/// A block that is open.
pub(super) struct Frame {
    pub kind: FrameKind,
    /// Where branches to its label go.
    pub label: Block,
    /// How many values such branches carry.
    pub label_arity: usize,
    /// Where code goes on behind its `end`; its parameters are the results.
    pub next: Block,
    pub results: usize,
    /// The height of the value stack below its parameters.
    pub height: usize,
    /// Whether anything goes to `next`.
    pub next_is_reached: bool,
}

/// What kind of block it is.
pub(super) enum FrameKind {
    Block,
    Loop {
        /// Where a turn begins. Before it does so again, it is asked at the label whether there may be another one, if that is asked.
        header: Block,
        /// The jump to the first turn.
        entry: Inst,
        /// How many branches begin another one.
        ways_back: u32,
        /// Where the operator is.
        position: SourceLoc,
    },
    /// An `if` whose `else` has not come.
    If {
        /// Where the condition was false.
        otherwise: Block,
        /// The parameters it then starts with.
        params: Vec<Value>,
        /// Whether that is not likely to happen.
        unlikely: bool,
    },
    /// A block in code that cannot be reached.
    Unreachable,
}

/// A piece of memory that shares no byte with any other. Tagged with it, accesses to one do not hide what is known of
/// another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Region {
    /// What never changes while an instance lives: pointers in the vmctx and in the records it leads to.
    Constant,
    /// Sizes of memories and tables, and the addresses of those that move.
    Bounds,
    /// The fuel in the store's context.
    Fuel,
    /// The engine's epoch, and the store's deadline.
    Epoch,
    /// A memory of the module's own; or, all together, those that are imported.
    Memory(Option<u32>),
    /// A table of the module's own; or, all together, those that are imported.
    Table(Option<u32>),
    /// A global of the module's own; or, all together, those that are imported.
    Global(Option<u32>),
    /// What the frame keeps for debuggers.
    Kept,
}

impl Region {
    fn number(self) -> u32 {
        let own = |index: Option<u32>| index.map_or(0, |index| index + 1);
        // Three kinds interleaved, so that no number of items runs into the next kind.
        match self {
            Region::Constant => 0,
            Region::Bounds => 1,
            Region::Fuel => 2,
            Region::Epoch => 3,
            Region::Memory(index) => 3 * own(index) + 4,
            Region::Table(index) => 3 * own(index) + 5,
            Region::Global(index) => 3 * own(index) + 6,
            Region::Kept => u32::MAX - 1,
        }
    }
}

/// Whether a region is the fuel in the store's context.
pub fn is_fuel(region: u32) -> bool {
    region == Region::Fuel.number()
}

/// Whether a region is the engine's epoch, and what leads to it.
pub fn is_epoch(region: u32) -> bool {
    region == Region::Epoch.number()
}

/// The memory of the module's own that accesses to a region lead to.
pub fn own_memory(region: u32) -> Option<MemoryIndex> {
    let index = MemoryIndex((region.checked_sub(7)?) / 3);
    (Region::Memory(Some(index.0)).number() == region).then_some(index)
}

impl<'a, 'f> Translator<'a, 'f> {
    /// Begins a function: its parameters become locals, its body the outermost block.
    pub fn new(
        plan: &'a Plan<'a>,
        target: &'a Target,
        (index, ty): (FuncIndex, &'a FuncType),
        func: &'f mut ir::Function,
        context: &'f mut FunctionBuilderContext,
        places: &'f mut Places,
    ) -> Self {
        let mut builder = FunctionBuilder::new(func, context);
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        builder.seal_block(entry);
        let params = builder.block_params(entry).to_vec();
        let in_memory = results_in_memory(ty, target);
        let mut translator = Translator {
            plan,
            target,
            builder,
            ty,
            stack: Vec::new(),
            unused_loads: HashSet::new(),
            control: Vec::new(),
            floor: 0,
            places,
            open_functions: vec![index],
            inlined: Growth::default(),
            const_table_calls: 0,
            was_inlined: false,
            reachable: true,
            hint: None,
            cold: None,
            locals: Vec::new(),
            vmctx: params[0],
            result_memory: in_memory.then(|| params[1]),
            call_results: None,
            fuel: None,
            epoch: None,
            keeping: None,
            functions: HashMap::new(),
        };
        for (&ty, &value) in ty.params.iter().zip(&params[1 + usize::from(in_memory)..]) {
            let local = translator.declare_local(ty);
            translator.builder.def_var(local, value);
        }
        translator.open_function();
        translator
    }

    /// Declares locals of one type, with zero or null as their first value.
    pub fn declare_locals(&mut self, count: u32, ty: wasmparser::ValType) {
        let ty = val_type(self.plan.module, ty);
        let zero = self.zero(clif_type(ty));
        for _ in 0..count {
            let local = self.declare_local(ty);
            self.builder.def_var(local, zero);
        }
    }

    pub fn declare_local(&mut self, ty: ValType) -> Variable {
        let local = self.builder.declare_var(clif_type(ty));
        if is_host_reference(ty) {
            self.builder.declare_var_needs_stack_map(local);
        }
        self.locals.push(local);
        local
    }

    /// Notes that a value may be a reference to a host value, which the collector must find while calls are under way.
    ///
    /// Called wherever a value of a reference type comes into being, other than from a local.
    pub fn note_reference(&mut self, value: Value, ty: ValType) {
        if is_host_reference(ty) {
            self.builder.declare_value_needs_stack_map(value);
        }
    }

    /// Ends the function, after the `end` of its outermost block.
    pub fn finish(self) {
        self.builder.finalize(self.target.isa.frontend_config());
    }

    pub fn zero(&mut self, ty: Type) -> Value {
        match ty {
            ir::types::F32 => self.builder.ins().f32const(0.0),
            ir::types::F64 => self.builder.ins().f64const(0.0),
            V128 => self.vector_constant([0; 16], V128),
            ty => self.builder.ins().iconst(ty, 0),
        }
    }

    pub fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// Pops a value. If it is a vector, its lanes are those that it was made with.
    pub fn pop(&mut self) -> Value {
        let value = self.stack.pop().expect("validated code never pops an empty stack");
        self.use_load(value);
        value
    }

    /// Pops a value that goes elsewhere than to an operator: if it is a vector, with the lanes it has there.
    pub fn pop_canonical(&mut self) -> Value {
        let value = self.pop();
        self.canonical(value)
    }

    pub fn pop2(&mut self) -> (Value, Value) {
        let second = self.pop();
        (self.pop(), second)
    }

    pub fn pop3(&mut self) -> (Value, Value, Value) {
        let third = self.pop();
        let (first, second) = self.pop2();
        (first, second, third)
    }

    /// The topmost `count` values, still on the stack, as they go elsewhere than to an operator.
    pub fn top(&mut self, count: usize) -> Vec<Value> {
        for position in self.stack.len() - count..self.stack.len() {
            let value = self.stack[position];
            self.use_load(value);
            self.stack[position] = self.canonical(value);
        }
        self.stack[self.stack.len() - count..].to_vec()
    }

    /// The instruction that makes a value.
    pub fn instruction(&self, value: Value) -> Option<&InstructionData> {
        let dfg = &self.builder.func.dfg;
        let inst = dfg.value_def(dfg.resolve_aliases(value)).inst()?;
        Some(&dfg.insts[inst])
    }

    /// The bits of an integer, if it is a constant.
    pub fn known_integer(&self, value: Value) -> Option<i64> {
        match self.instruction(value)? {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits()),
            _ => None,
        }
    }

    /// Parameters and results of a block.
    pub fn block_type(&self, ty: BlockType) -> (Vec<ValType>, Vec<ValType>) {
        match ty {
            BlockType::Empty => (Vec::new(), Vec::new()),
            BlockType::Type(ty) => (Vec::new(), vec![val_type(self.plan.module, ty)]),
            BlockType::FuncType(index) => {
                let ty = self.plan.signature(self.plan.module.signature_index(TypeIndex(index)));
                (ty.params.to_vec(), ty.results.to_vec())
            }
        }
    }

    /// Flags of an access that cannot fault, to this region.
    pub fn trusted(&mut self, region: Region) -> MemFlagsData {
        let region = self.region(region);
        MemFlagsData::trusted().with_alias_region(Some(region))
    }

    /// Flags of an access to wasm memory: little-endian, any alignment; it faults beyond the end.
    pub fn wasm_access(&mut self, region: Region) -> MemFlagsData {
        let region = self.region(region);
        MemFlagsData::new()
            .with_endianness(Endianness::Little)
            .with_trap_code(Some(trap(TrapCode::MemoryOutOfBounds)))
            .with_alias_region(Some(region))
    }

    pub fn region(&mut self, region: Region) -> AliasRegion {
        let number = region.number();
        let regions = &mut self.builder.func.dfg.alias_regions;
        regions.get(number).unwrap_or_else(|| {
            regions.insert(AliasRegionData {
                user_id: number,
                description: format!("{region:?}").into(),
            })
        })
    }

    /// Loads something that never changes while the instance lives.
    pub fn load_constant(&mut self, ty: Type, base: Value, offset: u32) -> Value {
        let flags = self.trusted(Region::Constant).with_readonly().with_can_move();
        self.builder.ins().load(ty, flags, base, offset as i32)
    }

    /// The address of the record of something that may be imported.
    pub fn record(&mut self, place: Place) -> (Value, u32) {
        match place {
            Place::Record(offset) => (self.vmctx, offset),
            Place::Pointer(offset) => (self.load_constant(POINTER, self.vmctx, offset), 0),
        }
    }

    /// Traps unless `condition` is zero.
    pub fn trap_if(&mut self, condition: Value, code: TrapCode) {
        self.builder.ins().trapnz(condition, trap(code));
    }

    /// What direct calls name: a function or trampoline of this module.
    pub fn function(
        &mut self,
        symbol: Symbol,
        signature: impl FnOnce() -> ir::Signature,
    ) -> FuncRef {
        if let Some(&function) = self.functions.get(&symbol) {
            return function;
        }
        let signature = self.builder.import_signature(signature());
        let name = UserExternalName { namespace: 0, index: symbol.0 };
        let name = ExternalName::User(self.builder.func.declare_imported_user_function(name));
        let function = self.builder.import_function(ExtFuncData {
            name,
            signature,
            colocated: true,
            patchable: false,
        });
        self.functions.insert(symbol, function);
        function
    }

    /// The address of something in the code of this module.
    pub fn address_of(&mut self, symbol: Symbol) -> Value {
        let function = self.function(symbol, || ir::Signature::new(CallConv::Tail));
        self.builder.ins().func_addr(POINTER, function)
    }

    /// Calls a built-in function; the vmctx is added to the arguments.
    pub fn builtin(&mut self, builtin: Builtin, args: &[Value]) -> Option<Value> {
        let symbol = self
            .plan
            .trampoline(Trampoline::Builtin(builtin))
            .expect("the plan has what the module's shape can need");
        let function = self.function(symbol, || builtin_trampoline_signature(builtin));
        let mut all = vec![self.vmctx];
        all.extend(args);
        let call = self.builder.ins().call(function, &all);
        self.builder.inst_results(call).first().copied()
    }

    pub fn import_signature(&mut self, signature: ir::Signature) -> SigRef {
        self.builder.import_signature(signature)
    }

    /// Makes the prologue trap when the stack reaches its limit.
    pub fn limit_stack(&mut self) {
        if self.builder.func.stack_limit.is_some() {
            return;
        }
        let vmctx = self.builder.create_global_value(GlobalValueData::VMContext);
        let store = self.global_load(vmctx, std::mem::offset_of!(VmContextHeader, store));
        let limit = self.global_load(store, std::mem::offset_of!(VmStoreContext, stack_limit));
        self.builder.func.stack_limit = Some(limit);
    }

    fn global_load(&mut self, base: GlobalValue, offset: usize) -> GlobalValue {
        let flags = self
            .builder
            .func
            .dfg
            .mem_flags
            .insert_unchecked(MemFlagsData::trusted().with_readonly());
        self.builder.create_global_value(GlobalValueData::Load {
            base,
            offset: (offset as i32).into(),
            global_type: POINTER,
            flags,
        })
    }
}

fn is_host_reference(ty: ValType) -> bool {
    matches!(ty, ValType::Ref(ty) if ty.kind() == RefKind::Extern)
}

/// Our trap codes as Cranelift carries them.
pub fn trap(code: TrapCode) -> ir::TrapCode {
    ir::TrapCode::unwrap_user(code as u8)
}
