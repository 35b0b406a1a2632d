//! How complex a guest may be. A single pass that parses and counts, before the validator and the compiler see anything.
//!
//! Compile time grows faster than linearly in some of these, and memory in others. The bounds keep the worst known
//! shapes out by name; what slips through meets the compile child's clock. Totals are over the whole guest, with the
//! modules inside a component.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmparser::{
    ComponentType, ComponentTypeDeclaration, ConstExpr, CoreType, DataKind, ElementItems, ElementKind, FunctionBody,
    InstanceTypeDeclaration, ModuleTypeDeclaration, Operator, Parser, Payload, TableInit,
};

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
            Measure::Functions => ("functions", 60_000),
            Measure::FunctionBytes => ("bytes in one function", 1 << 20),
            Measure::FunctionLocals => ("locals in one function", 10_000),
            Measure::TotalLocals => ("locals in all functions", 1_000_000),
            Measure::Nesting => ("blocks nested in one function", 2_000),
            Measure::LoopNesting => ("loops nested in one function", 100),
            Measure::BranchTargets => ("`br_table` targets in one function", 20_000),
            Measure::TotalBranchTargets => ("`br_table` targets in all functions", 400_000),
            Measure::Parameters => ("parameters of one function", 200),
            Measure::Results => ("results of one function or block", 50),
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
            Measure::TypeSectionBytes => ("bytes in one section of component types", 256 << 10),
            Measure::TypeNodes => ("parts of component types", 50_000),
            Measure::TypeNesting => ("component types nested", 16),
        }
    }

    /// The most that is accepted.
    pub const fn limit(self) -> u64 {
        self.row().1
    }

    fn check(self, found: u64) -> Result<(), Refusal> {
        let limit = self.limit();
        if found > limit { Err(Refusal::TooComplex { what: self, found, limit }) } else { Ok(()) }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().0)
    }
}

/// Refuses a binary that is over a bound, or that does not parse.
pub(crate) fn check(binary: &[u8]) -> Result<(), Refusal> {
    let mut totals = Totals::default();
    totals.binary(binary)?;
    Ok(())
}

/// Sections of this name hold the world of a module, as a component, and are parsed when it is lifted.
pub(crate) const WORLD_SECTION: &str = "component-type";

/// Sums over the whole guest.
#[derive(Default)]
struct Totals {
    functions: Total,
    locals: Total,
    branch_targets: Total,
    types: Total,
    imports: Total,
    exports: Total,
    globals: Total,
    data_segments: Total,
    element_segments: Total,
    elements: Total,
    custom_sections: Total,
    modules: Total,
    components: Total,
    instances: Total,
    instance_arguments: Total,
    aliases: Total,
    canonical_functions: Total,
    type_nodes: Total,
}

#[derive(Default)]
struct Total(u64);

impl Total {
    fn add(&mut self, what: Measure, n: impl Into<u64>) -> Result<(), Refusal> {
        self.0 = self.0.saturating_add(n.into());
        what.check(self.0)
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

impl Totals {
    fn binary(&mut self, binary: &[u8]) -> Result<(), Refusal> {
        let mut nesting = 0_u64;
        for payload in Parser::new(0).parse_all(binary) {
            let payload = payload.map_err(Refusal::invalid)?;
            match &payload {
                Payload::ModuleSection { .. } => {
                    self.modules.add(Measure::Modules, 1_u32)?;
                    nesting += 1;
                }
                Payload::ComponentSection { .. } => {
                    self.components.add(Measure::Components, 1_u32)?;
                    nesting += 1;
                }
                Payload::End(_) => nesting = nesting.saturating_sub(1),
                _ => {}
            }
            Measure::ComponentNesting.check(nesting)?;
            self.payload(payload)?;
        }
        Ok(())
    }

    fn payload(&mut self, payload: Payload<'_>) -> Result<(), Refusal> {
        match payload {
            Payload::TypeSection(section) => {
                self.types.add(Measure::Types, section.count())?;
                for group in section {
                    self.rec_group(&group.map_err(Refusal::invalid)?)?;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    import.map_err(Refusal::invalid)?;
                    self.imports.add(Measure::Imports, 1_u32)?;
                }
            }
            Payload::FunctionSection(section) => self.functions.add(Measure::Functions, section.count())?,
            Payload::TableSection(section) => {
                Measure::Tables.check(section.count().into())?;
                for table in section {
                    let table = table.map_err(Refusal::invalid)?;
                    Measure::TableElements.check(table.ty.initial)?;
                    if let TableInit::Expr(expr) = &table.init {
                        constant(expr)?;
                    }
                }
            }
            Payload::MemorySection(section) => Measure::Memories.check(section.count().into())?,
            Payload::GlobalSection(section) => {
                self.globals.add(Measure::Globals, section.count())?;
                for global in section {
                    constant(&global.map_err(Refusal::invalid)?.init_expr)?;
                }
            }
            Payload::ExportSection(section) => self.exports.add(Measure::Exports, section.count())?,
            Payload::ElementSection(section) => {
                self.element_segments.add(Measure::ElementSegments, section.count())?;
                for element in section {
                    self.element(element.map_err(Refusal::invalid)?)?;
                }
            }
            Payload::DataCountSection { count, .. } => Measure::DataSegments.check(count.into())?,
            Payload::DataSection(section) => {
                self.data_segments.add(Measure::DataSegments, section.count())?;
                for data in section {
                    if let DataKind::Active { offset_expr, .. } = data.map_err(Refusal::invalid)?.kind {
                        constant(&offset_expr)?;
                    }
                }
            }
            Payload::CodeSectionEntry(body) => self.function(&body)?,
            Payload::CustomSection(section) => {
                self.custom_sections.add(Measure::CustomSections, 1_u32)?;
                if section.name().starts_with(WORLD_SECTION) {
                    self.binary(section.data())?;
                }
            }
            Payload::InstanceSection(section) => {
                self.instances.add(Measure::Instances, section.count())?;
                for instance in section {
                    let arguments = match instance.map_err(Refusal::invalid)? {
                        wasmparser::Instance::Instantiate { args, .. } => args.len(),
                        wasmparser::Instance::FromExports(exports) => exports.len(),
                    };
                    self.instance_arguments.add(Measure::InstanceArguments, count(arguments))?;
                }
            }
            Payload::ComponentInstanceSection(section) => {
                self.instances.add(Measure::Instances, section.count())?;
                for instance in section {
                    let arguments = match instance.map_err(Refusal::invalid)? {
                        wasmparser::ComponentInstance::Instantiate { args, .. } => args.len(),
                        wasmparser::ComponentInstance::FromExports(exports) => exports.len(),
                    };
                    self.instance_arguments.add(Measure::InstanceArguments, count(arguments))?;
                }
            }
            Payload::CoreTypeSection(section) => {
                Measure::TypeSectionBytes.check(count(section.range().len()))?;
                for ty in section {
                    self.core_type(&ty.map_err(Refusal::invalid)?)?;
                }
            }
            Payload::ComponentTypeSection(section) => {
                // Types nest, and reading one recurses: the section's length bounds how deep.
                Measure::TypeSectionBytes.check(count(section.range().len()))?;
                for ty in section {
                    self.component_type(&ty.map_err(Refusal::invalid)?, 1)?;
                }
            }
            Payload::ComponentAliasSection(section) => self.aliases.add(Measure::Aliases, section.count())?,
            Payload::ComponentCanonicalSection(section) => {
                self.canonical_functions.add(Measure::CanonicalFunctions, section.count())?;
            }
            Payload::ComponentImportSection(section) => self.imports.add(Measure::Imports, section.count())?,
            Payload::ComponentExportSection(section) => self.exports.add(Measure::Exports, section.count())?,
            // Counted where they begin, refused by the validator, or without content.
            _ => {}
        }
        Ok(())
    }

    fn rec_group(&mut self, group: &wasmparser::RecGroup) -> Result<(), Refusal> {
        for ty in group.types() {
            if let wasmparser::CompositeInnerType::Func(ty) = &ty.composite_type.inner {
                Measure::Parameters.check(count(ty.params().len()))?;
                Measure::Results.check(count(ty.results().len()))?;
            }
        }
        Ok(())
    }

    fn element(&mut self, element: wasmparser::Element<'_>) -> Result<(), Refusal> {
        if let ElementKind::Active { offset_expr, .. } = &element.kind {
            constant(offset_expr)?;
        }
        match element.items {
            ElementItems::Functions(items) => self.elements.add(Measure::Elements, items.count()),
            ElementItems::Expressions(_, items) => {
                self.elements.add(Measure::Elements, items.count())?;
                for item in items {
                    constant(&item.map_err(Refusal::invalid)?)?;
                }
                Ok(())
            }
        }
    }

    fn function(&mut self, body: &FunctionBody<'_>) -> Result<(), Refusal> {
        Measure::FunctionBytes.check(count(body.as_bytes().len()))?;
        let mut locals = Total::default();
        for group in body.get_locals_reader().map_err(Refusal::invalid)? {
            let (n, _) = group.map_err(Refusal::invalid)?;
            locals.add(Measure::FunctionLocals, n)?;
        }
        self.locals.add(Measure::TotalLocals, locals.0)?;

        let mut loops = Vec::new(); // one entry a block that is open: is it a loop?
        let mut open_loops = 0_u64;
        let mut targets = Total::default();
        for operator in body.get_operators_reader().map_err(Refusal::invalid)? {
            match operator.map_err(Refusal::invalid)? {
                Operator::Loop { .. } => {
                    loops.push(true);
                    open_loops += 1;
                    Measure::LoopNesting.check(open_loops)?;
                    Measure::Nesting.check(count(loops.len()))?;
                }
                Operator::Block { .. } | Operator::If { .. } => {
                    loops.push(false);
                    Measure::Nesting.check(count(loops.len()))?;
                }
                Operator::End => {
                    if loops.pop() == Some(true) {
                        open_loops -= 1;
                    }
                }
                Operator::BrTable { targets: table } => targets.add(Measure::BranchTargets, table.len())?,
                _ => {}
            }
        }
        self.branch_targets.add(Measure::TotalBranchTargets, targets.0)
    }

    fn core_type(&mut self, ty: &CoreType<'_>) -> Result<(), Refusal> {
        match ty {
            CoreType::Rec(group) => {
                self.type_nodes.add(Measure::TypeNodes, count(group.types().len()))?;
                self.rec_group(group)
            }
            CoreType::Module(declarations) => {
                self.type_nodes.add(Measure::TypeNodes, count(declarations.len()))?;
                for declaration in declarations {
                    if let ModuleTypeDeclaration::Type(group) = declaration {
                        self.rec_group(group)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// INVARIANT: recurses at most [`Measure::TypeNesting`] deep.
    fn component_type(&mut self, ty: &ComponentType<'_>, nesting: u64) -> Result<(), Refusal> {
        Measure::TypeNesting.check(nesting)?;
        match ty {
            ComponentType::Defined(ty) => self.type_nodes.add(Measure::TypeNodes, defined_type_nodes(ty)),
            ComponentType::Func(ty) => {
                Measure::Parameters.check(count(ty.params.len()))?;
                self.type_nodes.add(Measure::TypeNodes, count(ty.params.len()).saturating_add(1))
            }
            ComponentType::Component(declarations) => {
                self.type_nodes.add(Measure::TypeNodes, count(declarations.len()))?;
                for declaration in declarations {
                    match declaration {
                        ComponentTypeDeclaration::CoreType(ty) => self.core_type(ty)?,
                        ComponentTypeDeclaration::Type(ty) => self.component_type(ty, nesting.saturating_add(1))?,
                        _ => {}
                    }
                }
                Ok(())
            }
            ComponentType::Instance(declarations) => {
                self.type_nodes.add(Measure::TypeNodes, count(declarations.len()))?;
                for declaration in declarations {
                    match declaration {
                        InstanceTypeDeclaration::CoreType(ty) => self.core_type(ty)?,
                        InstanceTypeDeclaration::Type(ty) => self.component_type(ty, nesting.saturating_add(1))?,
                        _ => {}
                    }
                }
                Ok(())
            }
            ComponentType::Resource { .. } => self.type_nodes.add(Measure::TypeNodes, 1_u32),
        }
    }
}

fn defined_type_nodes(ty: &wasmparser::ComponentDefinedType<'_>) -> u64 {
    use wasmparser::ComponentDefinedType as Ty;
    let parts = match ty {
        Ty::Record(fields) => fields.len(),
        Ty::Variant(cases) => cases.len(),
        Ty::Tuple(types) => types.len(),
        Ty::Flags(names) | Ty::Enum(names) => names.len(),
        _ => 1,
    };
    count(parts).saturating_add(1)
}

/// Constant expressions are interpreted when the guest is instantiated, without fuel.
fn constant(expr: &ConstExpr<'_>) -> Result<(), Refusal> {
    Measure::ConstantBytes.check(count(expr.get_binary_reader().bytes_remaining()))
}
