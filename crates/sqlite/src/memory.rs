//! The allocator that SQLite uses, with a budget for each thread.
#![expect(
    unsafe_code,
    reason = "SQLite takes its allocator as C functions; these count, and leave the memory itself to SQLite's own"
)]

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use rusqlite::ffi;

/// SQLite's own allocator.
#[derive(Clone, Copy)]
struct Original {
    allocate: unsafe extern "C" fn(c_int) -> *mut c_void,
    release: unsafe extern "C" fn(*mut c_void),
    resize: unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void,
    size: unsafe extern "C" fn(*mut c_void) -> c_int,
}

/// What a piece of work may take, and what is left of it.
#[derive(Clone, Copy)]
struct Budget {
    bytes: i64,
    left: i64,
}

static ORIGINAL: OnceLock<Original> = OnceLock::new();
static DIVIDED: OnceLock<bool> = OnceLock::new();

thread_local! {
    static BUDGET: Cell<Option<Budget>> = const { Cell::new(None) };
}

/// Makes budgets hold, from now on. To be called before SQLite is used for anything else; later it does nothing.
///
/// Returns whether they hold: not if somebody in this process had used SQLite before.
pub fn divide() -> bool {
    *DIVIDED.get_or_init(|| install().is_some())
}

/// Does something that may take at most so many bytes of SQLite's memory, on this thread, beyond what is taken already.
///
/// What it gives back counts for it, also what somebody else had taken.
pub fn within<T>(bytes: u64, work: impl FnOnce() -> T) -> T {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    /// Also when the work panics.
    struct Restore(Option<Budget>);
    impl Drop for Restore {
        fn drop(&mut self) {
            BUDGET.set(self.0);
        }
    }
    let _restore = Restore(BUDGET.replace(Some(Budget { bytes, left: bytes })));
    work()
}

fn install() -> Option<()> {
    let mut methods = ffi::sqlite3_mem_methods {
        xMalloc: None,
        xFree: None,
        xRealloc: None,
        xSize: None,
        xRoundup: None,
        xInit: None,
        xShutdown: None,
        pAppData: ptr::null_mut(),
    };
    // SAFETY: both options take a pointer to this structure, which SQLite copies. It refuses them once it is in use; whoever
    // calls `divide` first does so before that, and others wait for it.
    let done = |option: c_int, methods: &mut ffi::sqlite3_mem_methods| unsafe {
        ffi::sqlite3_config(option, ptr::from_mut(methods)) == ffi::SQLITE_OK
    };
    if !done(ffi::SQLITE_CONFIG_GETMALLOC, &mut methods) {
        return None;
    }
    let original = Original {
        allocate: methods.xMalloc?,
        release: methods.xFree?,
        resize: methods.xRealloc?,
        size: methods.xSize?,
    };
    ORIGINAL.set(original).ok()?;
    methods.xMalloc = Some(allocate);
    methods.xFree = Some(release);
    methods.xRealloc = Some(resize);
    done(ffi::SQLITE_CONFIG_MALLOC, &mut methods).then_some(())
}

fn may_take(bytes: i64) -> bool {
    BUDGET.get().is_none_or(|budget| bytes <= budget.left)
}

fn take(bytes: i64) {
    if let Some(budget) = BUDGET.get() {
        BUDGET.set(Some(Budget { left: budget.left.saturating_sub(bytes).min(budget.bytes), ..budget }));
    }
}

unsafe extern "C" fn allocate(bytes: c_int) -> *mut c_void {
    let Some(original) = ORIGINAL.get().filter(|_| may_take(bytes.into())) else { return ptr::null_mut() };
    // SAFETY: SQLite asks for it as it would ask its own allocator.
    let memory = unsafe { (original.allocate)(bytes) };
    if !memory.is_null() {
        // SAFETY: it was allocated just now.
        take(unsafe { (original.size)(memory) }.into());
    }
    memory
}

unsafe extern "C" fn release(memory: *mut c_void) {
    if let Some(original) = ORIGINAL.get().filter(|_| !memory.is_null()) {
        // SAFETY: SQLite gives back what `allocate` or `resize` gave it, which is its own allocator's.
        let bytes: i64 = unsafe { (original.size)(memory) }.into();
        take(bytes.saturating_neg());
        // SAFETY: the same.
        unsafe { (original.release)(memory) }
    }
}

unsafe extern "C" fn resize(memory: *mut c_void, bytes: c_int) -> *mut c_void {
    let Some(original) = ORIGINAL.get().filter(|_| !memory.is_null()) else { return ptr::null_mut() };
    // SAFETY: as in `release`.
    let before: i64 = unsafe { (original.size)(memory) }.into();
    if !may_take(i64::from(bytes).saturating_sub(before)) {
        return ptr::null_mut();
    }
    // SAFETY: the same; when it fails, the memory stays as it is.
    let resized = unsafe { (original.resize)(memory, bytes) };
    if !resized.is_null() {
        // SAFETY: it was allocated just now.
        let now: i64 = unsafe { (original.size)(resized) }.into();
        take(now.saturating_sub(before));
    }
    resized
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rusqlite::{Connection, ErrorCode};

    use super::*;

    const BUDGET: u64 = 8 << 20;

    fn database() -> Connection {
        assert!(divide());
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("PRAGMA temp_store = MEMORY").unwrap();
        connection
    }

    /// Takes about `kilobytes`, all at once.
    fn hog(connection: &Connection, kilobytes: u32) -> rusqlite::Result<i64> {
        let text = "WITH RECURSIVE r(x, y) AS (SELECT 1, randomblob(1000) UNION ALL SELECT x + 1, randomblob(1000) FROM r LIMIT ?), \
                    m AS MATERIALIZED (SELECT * FROM r) SELECT count(DISTINCT y) FROM m";
        connection.query_row(text, [kilobytes], |row| row.get(0))
    }

    fn is_out_of_memory(result: &rusqlite::Result<i64>) -> bool {
        matches!(result, Err(error) if error.sqlite_error_code() == Some(ErrorCode::OutOfMemory))
    }

    #[test]
    fn work_over_its_budget_fails_and_gives_everything_back() {
        let connection = database();
        for _ in 0..3 {
            assert!(is_out_of_memory(&within(BUDGET, || hog(&connection, 20_000))));
            assert_eq!(within(BUDGET, || hog(&connection, 1000)).unwrap(), 1000);
        }
        assert_eq!(hog(&connection, 20_000).unwrap(), 20_000, "outside of a budget there is none");
    }

    #[test]
    fn nobody_else_lacks_what_one_took() {
        let connection = database();
        let text = "WITH RECURSIVE r(x, y) AS (SELECT 1, randomblob(1000) UNION ALL SELECT x + 1, randomblob(1000) FROM r LIMIT 7000), \
                    m AS MATERIALIZED (SELECT * FROM r) SELECT x, y FROM m";
        within(BUDGET, || {
            let mut statement = connection.prepare(text).unwrap();
            let mut rows = statement.query([]).unwrap();
            assert!(rows.next().unwrap().is_some(), "it is all in memory now");
            assert!(is_out_of_memory(&hog(&connection, 7000)), "and nothing is left");
            thread::scope(|scope| {
                let other = scope.spawn(|| within(BUDGET, || hog(&database(), 1000)).unwrap());
                assert_eq!(other.join().unwrap(), 1000);
            });
        });
    }

    #[test]
    fn a_budget_ends_with_its_work() {
        let connection = database();
        let panicked = std::panic::catch_unwind(|| within(0, || panic!("on purpose")));
        assert!(panicked.is_err() && super::BUDGET.get().is_none());
        assert_eq!(hog(&connection, 20_000).unwrap(), 20_000);
    }
}
