//! Lines of Rust, indented.

/// How long lines are made.
const COLUMNS: usize = 100;

/// A text that grows line by line.
#[derive(Default)]
pub struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    /// The text.
    pub fn finish(self) -> String {
        self.text
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line, or several.
    pub fn line(&mut self, text: impl AsRef<str>) {
        for line in text.as_ref().lines() {
            for _ in 0..self.depth {
                self.text.push_str("    ");
            }
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// A line, and deeper lines behind it.
    pub fn open(&mut self, line: impl AsRef<str>) {
        self.line(line);
        self.depth += 1;
    }

    /// The end of the deeper lines, and a line.
    pub fn close(&mut self, line: impl AsRef<str>) {
        self.depth -= 1;
        self.line(line);
    }

    /// The end of the deeper lines.
    pub fn shut(&mut self) {
        self.depth -= 1;
    }

    /// Lines of documentation.
    pub fn doc(&mut self, text: impl AsRef<str>) {
        for line in text.as_ref().lines() {
            self.line(format!("/// {line}").trim_end());
        }
    }

    /// What stands before and behind a list, with the list on the same line if there is room, and otherwise on lines of its
    /// own.
    pub fn list(&mut self, before: &str, items: &[String], behind: &str) {
        let line = format!("{before}{}{behind}", items.join(", "));
        if items.is_empty() || 4 * self.depth + line.chars().count() <= COLUMNS {
            return self.line(line);
        }
        self.open(before.trim_end());
        for item in items {
            self.line(format!("{item},"));
        }
        self.close(behind.trim_start());
    }

    /// As [`list`](Self::list), with deeper lines behind it.
    pub fn open_list(&mut self, before: &str, items: &[String], behind: &str) {
        self.list(before, items, behind);
        self.depth += 1;
    }
}
