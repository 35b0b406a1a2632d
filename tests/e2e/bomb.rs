//! Guests that attack the compiler, generated here because a few lines say more than their bytes: `guest = "bomb/NAME"`.

use wasm_encoder::{
    BlockType, CodeSection, ExportKind, ExportSection, Function, FunctionSection, Ieee64, Instruction, MemorySection,
    MemoryType, Module, TypeSection, ValType,
};

/// The module of that name.
///
/// # Errors
/// When there is none.
pub(crate) fn guest(name: &str) -> Result<Vec<u8>, String> {
    Ok(match name {
        // 14 KiB; a minute of an optimising compiler.
        "nested-loops" => module(1, 0, |function| nested(function, 2000)),
        // Within every bound, and still more work than most guests: must compile in time.
        "allowed-loops" => module(1, 0, |function| nested(function, 40)),
        "locals" => module(1, 50_000, |_| {}),
        "functions" => module(300_000, 0, |_| {}),
        "blocks" => module(1, 0, |function| {
            for _ in 0..200_000 {
                function.instruction(&Instruction::Block(BlockType::Empty));
            }
            for _ in 0..200_000 {
                function.instruction(&Instruction::End);
            }
        }),
        "branch-table" => module(1, 0, |function| {
            function.instruction(&Instruction::I32Const(0));
            function.instruction(&Instruction::BrTable(vec![0; 100_000].into(), 0));
        }),
        "long-function" => module(1, 0, |function| {
            for _ in 0..200_000 {
                function.instruction(&Instruction::F64Const(Ieee64::from(1.5)));
                function.instruction(&Instruction::Drop);
            }
        }),
        "zeros" => vec![0; 1 << 20],
        "huge" => vec![b' '; (64 << 20) + 1],
        "cut" => {
            let whole = module(1, 0, |_| {});
            whole[..whole.len() - 3].to_vec()
        }
        _ => return Err(format!("there is no bomb `{name}`")),
    })
}

fn nested(function: &mut Function, depth: usize) {
    for _ in 0..depth {
        function.instruction(&Instruction::Loop(BlockType::Empty));
    }
    for _ in 0..depth {
        function.instruction(&Instruction::I32Const(0));
        function.instruction(&Instruction::BrIf(0));
        function.instruction(&Instruction::End);
    }
}

/// A bare module with `functions` functions, the first of which is `run`, each with `locals` locals of mixed types.
fn module(functions: u32, locals: u32, body: impl Fn(&mut Function)) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut declared = FunctionSection::new();
    let mut code = CodeSection::new();
    // Alternating, so that run-length encoding does not make them small.
    let mixed: Vec<(u32, ValType)> =
        (0..locals).map(|at| (1, if at % 2 == 0 { ValType::I32 } else { ValType::I64 })).collect();
    for _ in 0..functions {
        declared.function(0);
        let mut function = Function::new(mixed.clone());
        body(&mut function);
        function.instruction(&Instruction::End);
        code.function(&function);
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, 0).export("memory", ExportKind::Memory, 0);
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&memories).section(&exports).section(&code);
    module.finish()
}
