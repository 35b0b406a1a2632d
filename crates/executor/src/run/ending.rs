//! From what wasmtime returned to how the run ended.

use bailiwick_guard::StopCause;
use wasmtime::Trap;

use super::entry::{Returned, exit_code};
use super::{Failure, Interrupted, MemoryExhausted, Stop, TrapKind};
use crate::Language;

/// Reads the end of a run. `memory_refused`: the guest had asked for memory over its limit at some time. `language`: what
/// an interpreter returned is about a script in it.
pub(crate) fn stop_of(returned: wasmtime::Result<Returned>, memory_refused: bool, language: Option<Language>) -> Stop {
    let stop = match returned {
        Ok(Ok(())) => return Stop::Finished,
        // Scripts catch what the interpreter raises for refused memory, and go on: only what ended them counts.
        Ok(Err(Failure::Message(message))) if language.is_some_and(|it| !lacks_memory(it, &message)) => {
            return Stop::Failed(Failure::Message(message));
        }
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

/// Whether this line of an interpreter is about what it raises when memory was refused.
fn lacks_memory(language: Language, message: &str) -> bool {
    match language {
        Language::Python => message.split(':').next() == Some("MemoryError"),
        // It throws `null` when there is not even memory for the error.
        Language::JavaScript => message.starts_with("InternalError: out of memory") || message == "null",
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
            Interrupted::Forsaken => Stop::Diverged,
        }
    }
}

impl From<StopCause> for Stop {
    fn from(cause: StopCause) -> Stop {
        match cause {
            StopCause::Budget(budget) => Stop::OutOfBudget(budget),
            StopCause::Revoked => Stop::Revoked,
            StopCause::Diverged => Stop::Diverged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_refused_memory(message: &str, language: Option<Language>) -> Stop {
        stop_of(Ok(Err(Failure::Message(message.to_owned()))), true, language)
    }

    #[test]
    fn a_script_that_outlived_refused_memory_fails_for_its_own_reason() {
        let (python, javascript) = (Some(Language::Python), Some(Language::JavaScript));
        for (message, language) in [
            ("ValueError: ordinary", python),
            ("MemoryErrors: its own class", python),
            ("ValueError: MemoryError", python),
            ("Error: ordinary", javascript),
            ("Error: out of memory", javascript),
        ] {
            let failed = Stop::Failed(Failure::Message(message.to_owned()));
            assert_eq!(after_refused_memory(message, language), failed, "{message}");
        }
    }

    #[test]
    fn one_that_did_not_is_out_of_memory() {
        let (python, javascript) = (Some(Language::Python), Some(Language::JavaScript));
        for (message, language) in [
            ("MemoryError", python),
            ("MemoryError: here", python),
            ("InternalError: out of memory", javascript),
            ("null", javascript),
            ("a component says anything", None),
        ] {
            assert_eq!(after_refused_memory(message, language), Stop::OutOfMemory, "{message}");
        }
        let trap = || Err(Trap::UnreachableCodeReached.into());
        assert_eq!(stop_of(trap(), true, python), Stop::OutOfMemory);
        assert_eq!(stop_of(trap(), false, python), Stop::Trapped(TrapKind::Unreachable));
        let raised = Failure::Message("MemoryError".to_owned());
        assert_eq!(stop_of(Ok(Err(raised.clone())), false, python), Stop::Failed(raised), "nothing was refused");
    }
}
