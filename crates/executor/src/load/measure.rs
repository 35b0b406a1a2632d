//! The bounds: what is counted in a guest, and how much of it is accepted.
//!
//! Each is several times what the largest ordinary guests have (a Go compiler of 14 MB, a Rust renderer, SQLite), and
//! low enough that the worst guest within it compiles about as slowly as an ordinary guest of the same size, or meets
//! the compile child's clock.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::engine::{MEMORIES_PER_GUEST, TABLE_ELEMENTS, TABLES_PER_GUEST};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    Functions,
    FunctionBytes,
    FunctionLocals,
    TotalLocals,
    Nesting,
    LoopNesting,
    OperandStack,
    BlockValues,
    BranchTargets,
    TotalBranchTargets,
    Parameters,
    Results,
    Types,
    Imports,
    Exports,
    Globals,
    Tables,
    TableElements,
    Memories,
    DataSegments,
    ElementSegments,
    Elements,
    ConstantBytes,
    CustomSections,
    Modules,
    Components,
    ComponentNesting,
    Instances,
    InstanceArguments,
    Aliases,
    CanonicalFunctions,
    TypeSectionBytes,
    TypeNodes,
    TypeNesting,
}

impl Measure {
    /// Its name in messages, and the most that is accepted.
    const fn row(self) -> (&'static str, u64) {
        match self {
            Measure::Functions => ("functions", 50_000),
            Measure::FunctionBytes => ("bytes in one function", 1 << 20),
            Measure::FunctionLocals => ("locals in one function", 2_000),
            Measure::TotalLocals => ("locals in all functions", 1_000_000),
            Measure::Nesting => ("blocks nested in one function", 5_000),
            Measure::LoopNesting => ("loops nested in one function", 40),
            Measure::OperandStack => ("operands on the stack of one function", 1_000),
            Measure::BlockValues => ("parameters and results of the blocks of one function", 2_000),
            Measure::BranchTargets => ("`br_table` targets in one function", 20_000),
            Measure::TotalBranchTargets => ("`br_table` targets in all functions", 500_000),
            Measure::Parameters => ("parameters of one function", 100),
            Measure::Results => ("results of one function", 20),
            Measure::Types => ("types", 20_000),
            Measure::Imports => ("imports", 5_000),
            Measure::Exports => ("exports", 20_000),
            Measure::Globals => ("globals", 20_000),
            Measure::Tables => ("tables in one module", TABLES_PER_GUEST as u64),
            Measure::TableElements => ("elements of one table", TABLE_ELEMENTS as u64),
            Measure::Memories => ("memories in one module", MEMORIES_PER_GUEST as u64),
            Measure::DataSegments => ("data segments", 20_000),
            Measure::ElementSegments => ("element segments", 5_000),
            Measure::Elements => ("elements in all segments", 400_000),
            Measure::ConstantBytes => ("bytes in one constant expression", 256),
            Measure::CustomSections => ("custom sections", 1_000),
            Measure::Modules => ("modules in a component", 64),
            Measure::Components => ("components in a component", 64),
            Measure::ComponentNesting => ("components nested", 8),
            Measure::Instances => ("instances", 500),
            Measure::InstanceArguments => ("arguments of instances", 20_000),
            Measure::Aliases => ("aliases", 20_000),
            Measure::CanonicalFunctions => ("canonical functions", 10_000),
            Measure::TypeSectionBytes => ("bytes in one section of component types", 128 << 10),
            Measure::TypeNodes => ("parts of component types", 50_000),
            Measure::TypeNesting => ("component types nested", 16),
        }
    }

    /// The most that is accepted.
    pub const fn limit(self) -> u64 {
        self.row().1
    }

    pub(super) fn check(self, found: u64) -> Result<(), Refusal> {
        let limit = self.limit();
        if found > limit { Err(Refusal::TooComplex { what: self, found, limit }) } else { Ok(()) }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().0)
    }
}

/// A sum that is refused as soon as it is over its bound.
#[derive(Default)]
pub(super) struct Total(u64);

impl Total {
    pub(super) fn add(&mut self, what: Measure, n: impl Into<u64>) -> Result<(), Refusal> {
        self.0 = self.0.saturating_add(n.into());
        what.check(self.0)
    }

    pub(super) fn get(&self) -> u64 {
        self.0
    }
}

pub(super) fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
