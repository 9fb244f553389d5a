//! Whether what is made of Cranelift's machine code does the same: code with and without a step is read by a disassembler side by
//! side.

/// Files that were compiled, and what a disassembler reads in them.
mod reading;
/// What registers and the frame hold.
mod reloads;
/// Shorter code.
mod shorter;
