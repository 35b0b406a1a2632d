//! From what wasmtime returned to how the run ended.

use bailiwick_guard::StopCause;
use wasmtime::Trap;

use super::entry::{Returned, exit_code};
use super::{Failure, Interrupted, MemoryExhausted, Stop, TrapKind};

/// Reads the end of a run. `memory_refused`: the guest had asked for memory over its limit at some time.
pub(crate) fn stop_of(returned: wasmtime::Result<Returned>, memory_refused: bool) -> Stop {
    let stop = match returned {
        Ok(Ok(())) => return Stop::Finished,
        Ok(Err(failure)) => Stop::Failed(failure),
        Err(error) => stop_of_error(&error),
    };
    match stop {
        // What a program does that was refused memory and did not expect it: give up, abort, or follow a null pointer,
        // or hand one to the host. Instantiation, too, fails with a bad call when the first memory is over the limit.
        Stop::Failed(_) | Stop::Trapped(TrapKind::Unreachable | TrapKind::MemoryOutOfBounds | TrapKind::BadCall)
            if memory_refused =>
        {
            Stop::OutOfMemory
        }
        stop => stop,
    }
}

fn stop_of_error(error: &wasmtime::Error) -> Stop {
    if let Some(cause) = error.downcast_ref::<StopCause>() {
        return (*cause).into();
    }
    if let Some(code) = exit_code(error) {
        return if code == 0 { Stop::Finished } else { Stop::Failed(Failure::Exit(code)) };
    }
    if error.is::<MemoryExhausted>() {
        return Stop::OutOfMemory;
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Stop::OutOfFuel,
        Some(trap) => Stop::Trapped(kind_of(*trap)),
        // Instantiation refused a memory or table, or the glue refused the guest's pointers.
        None => Stop::Trapped(TrapKind::BadCall),
    }
}

fn kind_of(trap: Trap) -> TrapKind {
    match trap {
        Trap::StackOverflow => TrapKind::StackOverflow,
        Trap::MemoryOutOfBounds | Trap::HeapMisaligned => TrapKind::MemoryOutOfBounds,
        Trap::TableOutOfBounds => TrapKind::TableOutOfBounds,
        Trap::IndirectCallToNull | Trap::BadSignature => TrapKind::IndirectCall,
        Trap::IntegerOverflow => TrapKind::IntegerOverflow,
        Trap::IntegerDivisionByZero => TrapKind::DivisionByZero,
        Trap::BadConversionToInteger => TrapKind::BadConversion,
        Trap::UnreachableCodeReached => TrapKind::Unreachable,
        _ => TrapKind::Other,
    }
}

impl From<Interrupted> for Stop {
    fn from(interrupted: Interrupted) -> Stop {
        match interrupted {
            Interrupted::Deadline => Stop::OutOfTime,
            Interrupted::Revoked => Stop::Revoked,
            Interrupted::Cancelled => Stop::Cancelled,
        }
    }
}

impl From<StopCause> for Stop {
    fn from(cause: StopCause) -> Stop {
        match cause {
            StopCause::Budget(budget) => Stop::OutOfBudget(budget),
            StopCause::Revoked => Stop::Revoked,
        }
    }
}
