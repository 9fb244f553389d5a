//! Why a guest stopped, by the words that the specification uses: the reasons on which sides must agree.

/// A reason.
pub type Trap = &'static str;

/// The reason on which sides need not agree: calls are nested too deeply for one of them, or a bulk operation whose length
/// takes 64 bits is more than all the fuel there can be, which is found before it is found to be out of bounds.
pub const EXHAUSTED: Trap = "stack or fuel exhausted";

/// The reason of a guest that stops itself.
pub const UNREACHABLE: Trap = "unreachable";

const MEMORY: Trap = "memory out of bounds";
const TABLE: Trap = "table out of bounds";

/// The reason by which Wootz stopped a guest.
///
/// # Errors
/// If it is none that a guest can bring about.
pub fn of_wootz(error: &wootz::Error) -> Result<Trap, String> {
    Ok(match error.downcast_ref::<wootz::Trap>() {
        Some(wootz::Trap::StackOverflow | wootz::Trap::OutOfFuel) => EXHAUSTED,
        Some(wootz::Trap::MemoryOutOfBounds) => MEMORY,
        Some(wootz::Trap::TableOutOfBounds) => TABLE,
        Some(wootz::Trap::IndirectCallToNull) => "indirect call to null",
        Some(wootz::Trap::BadSignature) => "bad signature",
        Some(wootz::Trap::IntegerOverflow) => "integer overflow",
        Some(wootz::Trap::IntegerDivisionByZero) => "division by zero",
        Some(wootz::Trap::BadConversionToInteger) => "bad conversion",
        Some(wootz::Trap::UnreachableCodeReached) => UNREACHABLE,
        Some(wootz::Trap::HeapMisaligned) => "unaligned atomic",
        Some(wootz::Trap::AtomicWaitNonSharedMemory) => "wait on a memory that is not shared",
        Some(wootz::Trap::NullReference) => "null reference",
        _ => return Err(format!("an error that is no trap: {error:?}")),
    })
}

/// The reason by which the interpreter stopped a guest.
///
/// # Errors
/// If it is none that a guest can bring about.
pub fn of_wasmi(error: &wasmi::Error) -> Result<Trap, String> {
    // Instantiation and bulk operators have words of their own for what lies outside.
    match error.kind() {
        wasmi::errors::ErrorKind::Table(_) => return Ok(TABLE),
        wasmi::errors::ErrorKind::Memory(_) => return Ok(MEMORY),
        _ => {}
    }
    Ok(match error.as_trap_code() {
        Some(wasmi::TrapCode::StackOverflow) => EXHAUSTED,
        Some(wasmi::TrapCode::MemoryOutOfBounds) => MEMORY,
        Some(wasmi::TrapCode::TableOutOfBounds) => TABLE,
        Some(wasmi::TrapCode::IndirectCallToNull) => "indirect call to null",
        Some(wasmi::TrapCode::BadSignature) => "bad signature",
        Some(wasmi::TrapCode::IntegerOverflow) => "integer overflow",
        Some(wasmi::TrapCode::IntegerDivisionByZero) => "division by zero",
        Some(wasmi::TrapCode::BadConversionToInteger) => "bad conversion",
        Some(wasmi::TrapCode::UnreachableCodeReached) => UNREACHABLE,
        _ => return Err(format!("an error that is no trap: {error:?}")),
    })
}
