//! Functions whose bodies are translated where they are called.
//!
//! Always true: such a body is valid, and its operators cost as much fuel as if it had been called.

use wootz_runtime::abi::index::FuncIndex;

use super::state::Translator;
use crate::convention::results_in_memory;
use crate::plan::{Called, Work};

const VALID: &str = "only valid bodies are chosen";

impl Translator<'_, '_> {
    /// Translates the body of a function in place of a call, if that is to be done.
    pub fn inline(&mut self, index: FuncIndex, called: Called) -> bool {
        let plan = self.plan;
        // Its operators would have to know where the results go.
        if results_in_memory(plan.module.function_type(index), self.target) {
            return false;
        }
        let cost = plan.inlining.cost(index, called, &self.open_functions, self.inlined);
        let Some(cost) = cost else { return false };
        self.inlined.add(called, cost);
        // Somebody has to ask on every way round, and this one is not called any more.
        if plan.checks_stack(Work::Function(index)) {
            self.limit_stack();
        }
        let position = self.builder.srcloc();
        let call = self.places.open(index, position);
        self.open_functions.push(index);
        let body = plan.body(index);
        let ty = plan.module.function_type(index);
        let arguments = self.top(ty.params.len());
        self.stack.truncate(self.stack.len() - arguments.len());
        let locals = std::mem::take(&mut self.locals);
        for (&ty, value) in ty.params.iter().zip(arguments) {
            let local = self.declare_local(ty);
            self.builder.def_var(local, value);
        }
        for declaration in body.reader.get_locals_reader().expect(VALID) {
            let (count, ty) = declaration.expect(VALID);
            self.declare_locals(count, ty);
        }
        let caller = std::mem::replace(&mut self.ty, ty);
        let floor = std::mem::replace(&mut self.floor, self.control.len());
        let hint = self.hint;
        self.open_function();
        self.begin_inlined();
        let mut hints = plan.module.branch_hints.of(index, body.reader.range().start);
        let mut reader = body.reader.get_operators_reader().expect(VALID);
        while !reader.eof() {
            let offset = reader.original_position();
            let operator = reader.read().expect(VALID);
            let place = self.places.operator(offset as u32, Some(call));
            self.builder.set_srcloc(place);
            self.hint = hints.at(offset);
            self.operator(&operator);
        }
        self.builder.set_srcloc(position);
        self.hint = hint;
        self.floor = floor;
        self.ty = caller;
        self.locals = locals;
        self.open_functions.pop();
        self.was_inlined = true;
        true
    }
}
