//! Is a guest valid, and within the bounds? One pass that counts and validates, before the compiler sees anything.
//!
//! Compile time grows faster than linearly in some measures, and memory in others. The bounds keep the worst known shapes
//! out by name; what slips through meets the compile child's clock. Totals are over the whole guest, with the modules
//! inside a component.

use wasmparser::{
    ComponentType, ComponentTypeDeclaration, ConstExpr, CoreType, DataKind, ElementItems, ElementKind,
    InstanceTypeDeclaration, ModuleTypeDeclaration, Parser, Payload, TableInit, ValidPayload, Validator,
};

use super::Refusal;
use super::body::Bodies;
use super::measure::{Measure, Total, count};
use crate::engine::FEATURES;

/// Refuses a binary that is not valid, or is over a bound. Counts each part before it validates it.
pub(crate) fn check(binary: &[u8]) -> Result<(), Refusal> {
    Totals::default().binary(binary, Some(Validator::new_with_features(FEATURES)))
}

/// Sections of this name hold the world of a module, as a component, and are parsed when it is lifted.
pub(crate) const WORLD_SECTION: &str = "component-type";

/// Sums over the whole guest.
#[derive(Default)]
struct Totals {
    bodies: Bodies,
    functions: Total,
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

impl Totals {
    fn binary(&mut self, binary: &[u8], mut validator: Option<Validator>) -> Result<(), Refusal> {
        let mut parser = Parser::new(0);
        parser.set_features(FEATURES);
        let mut nesting = 0_u64;
        for payload in parser.parse_all(binary) {
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
            self.payload(&payload)?;
            if let Some(validator) = &mut validator
                && let ValidPayload::Func(function, body) = validator.payload(&payload).map_err(Refusal::invalid)?
            {
                self.bodies.check(function, &body)?;
            }
        }
        Ok(())
    }

    fn payload(&mut self, payload: &Payload<'_>) -> Result<(), Refusal> {
        match payload {
            Payload::TypeSection(section) => {
                self.types.add(Measure::Types, section.count())?;
                for group in section.clone() {
                    self.rec_group(&group.map_err(Refusal::invalid)?)?;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    import.map_err(Refusal::invalid)?;
                    self.imports.add(Measure::Imports, 1_u32)?;
                }
            }
            Payload::FunctionSection(section) => self.functions.add(Measure::Functions, section.count())?,
            Payload::TableSection(section) => {
                Measure::Tables.check(section.count().into())?;
                for table in section.clone() {
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
                for global in section.clone() {
                    constant(&global.map_err(Refusal::invalid)?.init_expr)?;
                }
            }
            Payload::ExportSection(section) => self.exports.add(Measure::Exports, section.count())?,
            Payload::ElementSection(section) => {
                self.element_segments.add(Measure::ElementSegments, section.count())?;
                for element in section.clone() {
                    self.element(element.map_err(Refusal::invalid)?)?;
                }
            }
            Payload::DataCountSection { count, .. } => Measure::DataSegments.check((*count).into())?,
            Payload::DataSection(section) => {
                self.data_segments.add(Measure::DataSegments, section.count())?;
                for data in section.clone() {
                    if let DataKind::Active { offset_expr, .. } = data.map_err(Refusal::invalid)?.kind {
                        constant(&offset_expr)?;
                    }
                }
            }
            Payload::CustomSection(section) => {
                self.custom_sections.add(Measure::CustomSections, 1_u32)?;
                if section.name().starts_with(WORLD_SECTION) {
                    self.binary(section.data(), None)?; // validated when it is read
                }
            }
            Payload::InstanceSection(section) => {
                self.instances.add(Measure::Instances, section.count())?;
                for instance in section.clone() {
                    let arguments = match instance.map_err(Refusal::invalid)? {
                        wasmparser::Instance::Instantiate { args, .. } => args.len(),
                        wasmparser::Instance::FromExports(exports) => exports.len(),
                    };
                    self.instance_arguments.add(Measure::InstanceArguments, count(arguments))?;
                }
            }
            Payload::ComponentInstanceSection(section) => {
                self.instances.add(Measure::Instances, section.count())?;
                for instance in section.clone() {
                    let arguments = match instance.map_err(Refusal::invalid)? {
                        wasmparser::ComponentInstance::Instantiate { args, .. } => args.len(),
                        wasmparser::ComponentInstance::FromExports(exports) => exports.len(),
                    };
                    self.instance_arguments.add(Measure::InstanceArguments, count(arguments))?;
                }
            }
            Payload::CoreTypeSection(section) => {
                Measure::TypeSectionBytes.check(count(section.range().len()))?;
                for ty in section.clone() {
                    self.core_type(&ty.map_err(Refusal::invalid)?)?;
                }
            }
            Payload::ComponentTypeSection(section) => {
                // Types nest, and reading one recurses: the section's length bounds how deep.
                Measure::TypeSectionBytes.check(count(section.range().len()))?;
                for ty in section.clone() {
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
