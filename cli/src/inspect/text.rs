//! All of it as text for people.

use std::fmt::{Display, Write as _};

use super::Report;
use super::module::ModuleReport;

/// A file with everything in it.
pub fn report(report: &Report<'_>) -> String {
    let mut text = Text { text: String::new() };
    let container = report.container;
    let format = match container.format {
        "mach-o" => "Mach-O".to_string(),
        other => other.to_uppercase(),
    };
    text.line(format_args!(
        "{}: {format} {} for {}",
        report.file, container.kind, container.architecture
    ));
    text.field("size", bytes(container.bytes));
    if let Some(id) = &container.build_id {
        text.field("build id", id);
    }
    for module in report.modules {
        text.module(module);
    }
    text.heading("sections");
    for section in &container.sections {
        let address =
            section.address.map(|address| format!(" at {address:#x}")).unwrap_or_default();
        text.line(format_args!("  {:<22} {:>10} bytes{address}", section.name, section.bytes));
    }
    text.text
}

struct Text {
    text: String,
}

impl Text {
    fn line(&mut self, line: impl Display) {
        writeln!(self.text, "{line}").expect("strings can be written to");
    }

    fn field(&mut self, name: &str, value: impl Display) {
        self.line(format_args!("  {name:<14} {value}"));
    }

    fn heading(&mut self, heading: &str) {
        self.line(format_args!("\n{heading}"));
    }

    fn module(&mut self, module: &ModuleReport) {
        let compat = &module.compatibility;
        self.heading(&format!("module {}", module.name.as_deref().unwrap_or("without a name")));
        self.field("descriptor", &module.descriptor);
        self.field("abi version", module.abi_version);
        self.field("target", &compat.target);
        self.field("cpu features", features(&compat.cpu_features));
        self.field("fuel", if compat.settings.consume_fuel { "counted" } else { "not counted" });
        self.field(
            "epochs",
            if compat.settings.epoch_interruption { "checked" } else { "not checked" },
        );
        self.field(
            "traps",
            if compat.settings.signals_based_traps { "by signals" } else { "by checks" },
        );
        self.field(
            "relaxed simd",
            match compat.settings.relaxed_simd_deterministic {
                true => "the same on all machines",
                false => "as this target does it",
            },
        );
        self.field("wasm features", compat.settings.features.join(" "));
        self.field("compiled by", &compat.compiler);
        self.field("wasm sha-256", &compat.wasm_sha256);
        if !module.custom_sections.is_empty() {
            self.field("custom", module.custom_sections.join(" "));
        }

        self.heading(&format!("imports ({})", module.imports.len()));
        for import in &module.imports {
            self.line(format_args!("  {} {}: {}", import.module, import.name, import.ty));
        }
        self.heading(&format!("exports ({})", module.exports.len()));
        for export in &module.exports {
            self.line(format_args!("  {}: {}", export.name, export.ty));
        }
        if !module.memories.is_empty() {
            self.heading("memories");
            for memory in &module.memories {
                self.line(format_args!("  {}: {}", memory.ty, memory.bounds));
            }
        }
        self.heading("sizes");
        self.line(format_args!(
            "  {:<14} {:>10} bytes, {} functions",
            "code", module.bytes["code"], module.functions
        ));
        self.line(format_args!("  {:<14} {:>10} bytes", "images", module.bytes["images"]));
        self.line(format_args!(
            "  {:<14} {:>10} bytes, of which",
            "metadata", module.bytes["metadata"]
        ));
        for (name, bytes) in &module.bytes {
            if !["code", "images", "metadata"].contains(name) && *bytes > 0 {
                self.line(format_args!("    {name:<12} {bytes:>10} bytes"));
            }
        }
    }
}

fn bytes(bytes: u64) -> String {
    format!("{bytes} bytes")
}

/// Features without the prefix that all of Cranelift's names have.
fn features(names: &[String]) -> String {
    let names: Vec<&str> =
        names.iter().map(|name| name.strip_prefix("has_").unwrap_or(name)).collect();
    if names.is_empty() { "none".to_string() } else { names.join(" ") }
}
