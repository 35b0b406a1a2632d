//! `bailiwick key import`

use bailiwick_host::crypto::{Imported, MAX_IMPORT};
use zeroize::Zeroizing;

use crate::arguments::KeyImportArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::Untrusted;
use crate::{input, keys, terminal, vault};

/// Keeps a key that was made elsewhere, after looking at what it is and whether it is strong enough.
pub(crate) fn run(arguments: &KeyImportArguments, host: &Configuration) -> Outcome {
    let name = keys::name(&arguments.name)?;
    let wanted = arguments.algorithm.as_deref().map(keys::algorithm).transpose()?;
    let content = Zeroizing::new(input::bytes(&arguments.file, "the key", MAX_IMPORT)?);
    let imported = Imported::parse(&content, wanted).map_err(|error| {
        let file = arguments.file.display().to_string();
        Failure::usage(format!("`{}` is not taken: {error}", Untrusted(&file)))
    })?;
    let algorithm = imported.algorithm();
    let _lock = vault::lock(host)?;
    let store = keys::open(host)?;
    let import = || match arguments.next {
        true => store.import_next(&name, &imported, input::now()),
        false => store.import(&name, &imported, input::now()).map(|_| 1),
    };
    let version = keys::on_record("key.import", format!("{name} {algorithm}"), host, import)?;
    let service = keys::service(&store, &name)?;
    terminal::err(&format!("keeps key `{name}` for {algorithm}, version {version}: {service}\n"));
    Ok(Exit::Success)
}
