//! The bounds of function bodies: where compile time is made.

use wasmparser::{
    BlockType, FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, OperatorsReader, ValidatorResources,
    WasmModuleResources,
};

use super::Refusal;
use super::measure::{Measure, Total, count};

/// Sums over all functions of the guest, and the memory that validating them one after the other shares.
#[derive(Default)]
pub(super) struct Bodies {
    locals: Total,
    branch_targets: Total,
    allocations: FuncValidatorAllocations,
}

impl Bodies {
    /// Validates a function, and refuses it when it is over a bound.
    pub(super) fn check(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
    ) -> Result<(), Refusal> {
        Measure::FunctionBytes.check(count(body.as_bytes().len()))?;
        let mut locals = Total::default();
        for group in body.get_locals_reader().map_err(Refusal::invalid)? {
            let (n, _) = group.map_err(Refusal::invalid)?;
            locals.add(Measure::FunctionLocals, n)?;
        }
        self.locals.add(Measure::TotalLocals, locals.get())?;

        let mut validator = function.into_validator(std::mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader).map_err(Refusal::invalid)?;
        let mut operators = OperatorsReader::new(reader);
        let mut shape = Shape::default();
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset().map_err(Refusal::invalid)?;
            shape.see(&operator, validator.resources())?;
            validator.op(offset, &operator).map_err(Refusal::invalid)?;
            Measure::OperandStack.check(validator.operand_stack_height().into())?;
        }
        operators.finish().map_err(Refusal::invalid)?;
        self.branch_targets.add(Measure::TotalBranchTargets, shape.branch_targets.get())?;
        self.allocations = validator.into_allocations();
        Ok(())
    }
}

/// What one function has been seen to be made of.
#[derive(Default)]
struct Shape {
    /// One entry a block that is open: is it a loop?
    open: Vec<bool>,
    open_loops: u64,
    block_values: Total,
    branch_targets: Total,
}

impl Shape {
    fn see(&mut self, operator: &Operator<'_>, types: &impl WasmModuleResources) -> Result<(), Refusal> {
        match operator {
            Operator::Loop { blockty } => {
                self.open_loops += 1;
                Measure::LoopNesting.check(self.open_loops)?;
                self.block(true, *blockty, types)
            }
            Operator::Block { blockty } | Operator::If { blockty } => self.block(false, *blockty, types),
            Operator::End => {
                if self.open.pop() == Some(true) {
                    self.open_loops = self.open_loops.saturating_sub(1);
                }
                Ok(())
            }
            Operator::BrTable { targets } => self.branch_targets.add(Measure::BranchTargets, targets.len()),
            _ => Ok(()),
        }
    }

    fn block(&mut self, is_loop: bool, ty: BlockType, types: &impl WasmModuleResources) -> Result<(), Refusal> {
        self.open.push(is_loop);
        Measure::Nesting.check(count(self.open.len()))?;
        let BlockType::FuncType(index) = ty else { return Ok(()) };
        // An index out of range, or of something else, is the validator's to refuse.
        let Some(ty) = types.sub_type_at(index) else { return Ok(()) };
        let wasmparser::CompositeInnerType::Func(ty) = &ty.composite_type.inner else { return Ok(()) };
        self.block_values.add(Measure::BlockValues, count(ty.params().len().saturating_add(ty.results().len())))
    }
}
