//! Small guests that are expensive to compile. Each cost what its comment says before the bounds were there.

use wasm_encoder::{CodeSection, Function, FunctionSection, Instruction, Module, TypeSection, ValType};

/// A module of functions with these bodies, all without parameters and results.
fn functions(bodies: impl Iterator<Item = Function>) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut declared, mut code) = (FunctionSection::new(), CodeSection::new());
    for body in bodies {
        declared.function(0);
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module.finish()
}

/// 14 KiB, 63 s.
pub(crate) fn nested_loops(depth: usize) -> Vec<u8> {
    let text = format!(
        r#"(module (memory (export "memory") 1) (func (export "run") (local i32) {} {} {}))"#,
        "loop ".repeat(depth),
        "local.get 0 i32.const 1 i32.add local.tee 0 br_if 0 ",
        "local.get 0 br_if 0 end ".repeat(depth),
    );
    wat::parse_str(text).unwrap()
}

/// 27 CPU seconds with all of them in use.
pub(crate) fn many_locals(functions_count: usize, locals: u32) -> Vec<u8> {
    functions((0..functions_count).map(|_| {
        let mut body = Function::new([(locals, ValType::I64)]);
        body.instruction(&Instruction::End);
        body
    }))
}

/// 1.7 MiB, 20 CPU seconds and 1.8 GiB.
pub(crate) fn many_functions(count: usize) -> Vec<u8> {
    functions((0..count).map(|_| {
        let mut body = Function::new([]);
        body.instruction(&Instruction::End);
        body
    }))
}

/// One table of branches with this many targets, all the same.
pub(crate) fn branch_targets(targets: usize) -> Vec<u8> {
    functions(std::iter::once_with(|| {
        let mut body = Function::new([]);
        body.instruction(&Instruction::I32Const(0));
        body.instruction(&Instruction::BrTable(vec![0; targets].into(), 0));
        body.instruction(&Instruction::End);
        body
    }))
}

/// 31 KB, more than 20 GiB of memory.
pub(crate) fn loop_parameters(parameters: usize, loops: usize) -> Vec<u8> {
    let list = "i32 ".repeat(parameters);
    let text = format!(
        "(module (type $t (func (param {list}) (result {list}))) (func {} {} {}))",
        "i32.const 0 ".repeat(parameters),
        "loop (type $t) i32.const 1 i32.add end ".repeat(loops),
        "drop ".repeat(parameters),
    );
    wat::parse_str(text).unwrap()
}

/// 392 KB, 109 s.
pub(crate) fn operands(depth: usize) -> Vec<u8> {
    functions(std::iter::once_with(|| {
        let mut body = Function::new([]);
        for value in 0..depth {
            body.instruction(&Instruction::I32Const(i32::try_from(value).unwrap()));
        }
        for _ in 1..depth {
            body.instruction(&Instruction::I32Add);
        }
        body.instruction(&Instruction::Drop).instruction(&Instruction::End);
        body
    }))
}

/// One straight line of this many additions: long, and within every other bound.
pub(crate) fn straight_line(additions: usize) -> Vec<u8> {
    functions(std::iter::once_with(|| {
        let mut body = Function::new([(1, ValType::F64)]);
        for _ in 0..additions {
            body.instruction(&Instruction::LocalGet(0)).instruction(&Instruction::LocalGet(0));
            body.instruction(&Instruction::F64Add).instruction(&Instruction::LocalSet(0));
        }
        body.instruction(&Instruction::End);
        body
    }))
}

/// Within the bounds, and slow: `locals` values that each of `branches` may change. 875 KB, 11 s.
pub(crate) fn merging_values(locals: usize, branches: usize) -> Vec<u8> {
    let change: String = (0..locals).map(|n| format!("local.get {n} i32.const 1 i32.add local.set {n} ")).collect();
    let text = format!(
        r#"(module (memory (export "memory") 1) (func (export "run") (local {}) {}))"#,
        "i32 ".repeat(locals),
        format!("local.get 0 if {change} end ").repeat(branches),
    );
    wat::parse_str(text).unwrap()
}

/// A component whose one type is instance types within one another.
pub(crate) fn nested_types(depth: usize) -> Vec<u8> {
    const TYPE_SECTION: u8 = 7;
    let mut section = vec![1]; // one type
    for _ in 0..depth {
        section.extend_from_slice(&[0x42, 1, 1]); // an instance type with one declaration, which is a type:
    }
    section.extend_from_slice(&[0x42, 0]); // an empty instance type
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    component.push(TYPE_SECTION);
    leb128(&mut component, section.len());
    component.extend_from_slice(&section);
    component
}

/// Components within one another.
pub(crate) fn nested_components(depth: usize) -> Vec<u8> {
    wat::parse_str("(component ".repeat(depth) + &")".repeat(depth)).unwrap()
}

fn leb128(bytes: &mut Vec<u8>, mut n: usize) {
    while n >= 0x80 {
        bytes.push(u8::try_from(n & 0x7f).unwrap() | 0x80);
        n >>= 7;
    }
    bytes.push(u8::try_from(n).unwrap());
}
