//! Guests whose imports a hand would not write down as a component: a core module in `lifted/NAME.wat`, made a component of
//! the world in `lifted/NAME.wit`: `guest = "lifted/NAME"`.

use std::fmt::Display;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The component of that name.
///
/// # Errors
/// When there is none, or the module does not fit its world.
pub(crate) fn guest(name: &str) -> Result<Vec<u8>, String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |extension: &str| tests.join("lifted").join(name).with_extension(extension);
    let failed = |error: &dyn Display| format!("lifted/{name}: {error:#}");
    let mut module = wat::parse_file(file("wat")).map_err(|error| failed(&error))?;
    let mut resolve = Resolve::default();
    resolve.push_path(tests.join("../crates/executor/wit")).map_err(|error| failed(&error))?;
    let (package, _) = resolve.push_path(file("wit")).map_err(|error| failed(&error))?;
    let world = resolve.select_world(&[package], None).map_err(|error| failed(&error))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(|error| failed(&error))?;
    let component = ComponentEncoder::default().module(&module).and_then(|mut encoder| encoder.encode());
    component.map_err(|error| failed(&error))
}
