//! Rules that do nothing, or more than was probably meant.

use super::diagnostic::Report;
use super::rules::ManifestRule;

pub(super) fn lint(_allow: &[ManifestRule], _deny: &[ManifestRule], _report: &mut Report) {}
