//! Every way around the guard that the type system closes is a program here that does not compile.

#[test]
fn bypasses_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile-fail/*.rs");
}
