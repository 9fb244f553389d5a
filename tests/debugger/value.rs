//! What debuggers print, as values that can be compared.
//!
//! In: `97 'a'`, `{x = 1, y = 2}`, `(int[2]) a = ([0] = 1, [1] = 2)`, `guest::Point {x: 1, y: 2}`. Out: the same value for the same
//! thing, whoever printed it. Addresses of strings and types are dropped; what a debugger says in place of a value is
//! [`Value::Wrong`], which nothing equals.

use std::fmt;

#[derive(Clone, Debug)]
pub enum Value {
    /// A number, a character, a string, a name of an enumeration, an address.
    Scalar(String),
    /// Members with names, elements without; and the name of the type or variant, where it is printed.
    Aggregate { tag: String, members: Vec<(String, Value)> },
    /// In scripts: whatever it is, as long as it is a value.
    Anything,
    /// `<optimized out>` and its kin.
    Wrong(String),
}

/// Who wrote a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Writer {
    Script,
    Gdb,
    Lldb,
}

/// What debuggers print where a value should be.
const WRONG: [&str; 15] = [
    "optimized out",
    "<error",
    "<unavailable>",
    "<not available>",
    "variable not available",
    "<incomplete type>",
    "<synthetic pointer",
    "<no location",
    "<empty constant",
    "<parent failed",
    "<read memory",
    "error:",
    "No symbol ",
    "No frame ",
    "Cannot access ",
];

impl Value {
    /// The value that a text is.
    pub fn parse(text: &str, writer: Writer) -> Value {
        if let Some(wrong) = found_wrong(text) {
            return wrong;
        }
        Parser { rest: text, writer }.value()
    }

    /// The values with names that a text lists: of variables, of members.
    pub fn list(text: &str, writer: Writer) -> Vec<(String, Value)> {
        Parser { rest: text, writer }.items(None)
    }

    /// Whether a debugger printed what the script says.
    pub fn matches(&self, found: &Value) -> bool {
        match (self, found) {
            (_, Value::Wrong(_)) | (Value::Wrong(_), _) => false,
            (Value::Anything, _) => true,
            (Value::Scalar(expected), Value::Scalar(found)) => {
                expected == found
                    || matches!((expected.parse::<f64>(), found.parse::<f64>()),
                        (Ok(expected), Ok(found)) if expected == found)
            }
            (
                Value::Aggregate { tag, members },
                Value::Aggregate { tag: found_tag, members: found },
            ) => {
                (tag.is_empty() || tag == found_tag)
                    && members.len() == found.len()
                    && members.iter().zip(found).all(|((name, value), (found_name, found))| {
                        (name.is_empty() || name == found_name) && value.matches(found)
                    })
            }
            _ => false,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Scalar(text) => f.write_str(text),
            Value::Wrong(text) => write!(f, "no value: {text}"),
            Value::Anything => f.write_str("_"),
            Value::Aggregate { tag, members } => {
                write!(f, "{tag}{{")?;
                for (number, (name, value)) in members.iter().enumerate() {
                    let comma = if number > 0 { ", " } else { "" };
                    let equals = if name.is_empty() { "" } else { " = " };
                    write!(f, "{comma}{name}{equals}{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn found_wrong(text: &str) -> Option<Value> {
    let text = text.trim();
    let wrong = text.is_empty() || WRONG.iter().any(|wrong| text.contains(wrong));
    wrong.then(|| Value::Wrong(text.to_string()))
}

struct Parser<'a> {
    rest: &'a str,
    writer: Writer,
}

impl<'a> Parser<'a> {
    /// Everything up to a closing bracket, or the end.
    fn items(&mut self, close: Option<char>) -> Vec<(String, Value)> {
        let mut items = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([',', ' ', '\n', '\t']);
            match self.rest.chars().next() {
                None => return items,
                Some(next) if Some(next) == close => {
                    self.rest = &self.rest[1..];
                    return items;
                }
                // One that opens nothing: what follows cannot be understood, and is not what was expected.
                Some('}' | ')' | ']') => {
                    items.push((String::new(), Value::Wrong(self.rest.to_string())));
                    self.rest = "";
                    return items;
                }
                Some(_) => {
                    // lldb begins variables with their types: `(int) x = 1`.
                    if self.writer == Writer::Lldb && close.is_none() && self.rest.starts_with('(')
                    {
                        self.skip_brackets();
                    }
                    let name = self.name();
                    items.push((name, self.value()));
                }
            }
        }
    }

    /// `name = `, or `name: ` as gdb has it for Rust. Empty if there is none, as before elements of arrays.
    fn name(&mut self) -> String {
        let rest = self.rest.trim_start();
        let mut before = ' ';
        for (at, letter) in rest.char_indices() {
            let name = rest[..at].trim();
            match letter {
                '=' if before == ' ' && !name.is_empty() => {
                    self.rest = &rest[at + 1..];
                    // Elements of arrays have numbers in lldb, and base classes brackets in gdb.
                    let number = name.starts_with('[') && self.writer == Writer::Lldb;
                    let name = name.trim_start_matches("static ");
                    let base = name.strip_prefix('<').and_then(|name| name.strip_suffix('>'));
                    return if number { String::new() } else { base.unwrap_or(name).to_string() };
                }
                ':' if self.writer != Writer::Lldb && rest[at..].starts_with(": ") => {
                    if name.starts_with('@') {
                        break;
                    }
                    self.rest = &rest[at + 1..];
                    return name.to_string();
                }
                ',' | '{' | '}' | '(' | ')' | '"' | '\'' | '\n' => break,
                _ => before = letter,
            }
        }
        self.rest = rest;
        String::new()
    }

    fn value(&mut self) -> Value {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        // gdb begins pointers and references with the type: `(int *) 0x1234`. But Rust's tuples look like that, too.
        if self.writer == Writer::Gdb && self.rest.starts_with('(') {
            let before = self.rest;
            self.skip_brackets();
            self.rest = self.rest.trim_start_matches(' ');
            if !self.rest.starts_with("0x") && !self.rest.starts_with('@') {
                self.rest = before;
            }
        }
        if self.writer == Writer::Gdb && self.rest.starts_with('@') {
            let end = self.rest.find(": ").map_or(self.rest.len(), |at| at + 2);
            self.rest = &self.rest[end..];
        }
        let (mut quote, mut depth, mut escaped) = (None, 0_usize, false);
        for (at, letter) in self.rest.char_indices() {
            match (quote, letter) {
                (Some(_), _) if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(open), _) if open == letter => quote = None,
                (Some(_), _) => {}
                // A lifetime has only one.
                (None, '"' | '\'') if !self.rest[at + 1..].starts_with("static ") => {
                    quote = Some(letter);
                }
                (None, '<') => depth += 1,
                (None, '>') => depth = depth.saturating_sub(1),
                (None, '{' | '(' | '[') if depth == 0 => {
                    let tag = self.rest[..at].trim().to_string();
                    self.rest = &self.rest[at + 1..];
                    let close = match letter {
                        '{' => '}',
                        '(' => ')',
                        _ => ']',
                    };
                    return aggregate(&tag, self.items(Some(close)));
                }
                (None, ',' | '}' | ')' | ']' | '\n') if depth == 0 => {
                    let text = &self.rest[..at];
                    self.rest = &self.rest[at..];
                    return scalar(text);
                }
                _ => {}
            }
        }
        let text = std::mem::take(&mut self.rest);
        scalar(text)
    }

    /// Skips one bracket, what is in it, and the one that closes it.
    fn skip_brackets(&mut self) {
        let mut depth = 0_usize;
        for (at, letter) in self.rest.char_indices() {
            match letter {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.rest = &self.rest[at + 1..];
                return;
            }
        }
        self.rest = "";
    }
}

fn aggregate(tag: &str, mut members: Vec<(String, Value)>) -> Value {
    // lldb's references: `0x00007ffe (&r = 5)`.
    if let [(name, _)] = &members[..]
        && name.starts_with('&')
    {
        return members.remove(0).1;
    }
    let tag = match tag.rsplit("::").next() {
        Some(tag) if !tag.starts_with("0x") => tag.trim().to_string(),
        _ => String::new(),
    };
    Value::Aggregate { tag, members }
}

fn scalar(text: &str) -> Value {
    if let Some(wrong) = found_wrong(text) {
        return wrong;
    }
    let text = text.trim();
    match text {
        "_" => return Value::Anything,
        "NULL" => return Value::Scalar("0x0".to_string()),
        _ => {}
    }
    // `0x1234 "text"`, `97 'a'`, `0x1234 <main>`.
    let last = match text.find(['"', '\'', '<']) {
        Some(at) if at > 0 && text.starts_with(|first: char| first.is_ascii_digit()) => {
            match text[at..].starts_with('<') {
                true => text[..at].trim(),
                false => &text[at..],
            }
        }
        _ => text,
    };
    if let Some(digits) = last.strip_prefix("0x")
        && let Ok(number) = u64::from_str_radix(digits, 16)
    {
        return Value::Scalar(format!("{number:#x}"));
    }
    // A name of an enumeration may have the path of its type.
    let is_name = |letter: char| letter.is_alphanumeric() || "_:<>, ".contains(letter);
    match last.rsplit_once("::") {
        Some((_, name)) if last.chars().all(is_name) => Value::Scalar(name.to_string()),
        _ => Value::Scalar(last.to_string()),
    }
}

/// The parser's own tests, which run with the corpus.
pub fn check() -> Result<(), String> {
    let same = [
        ("'a'", "97 'a'", "'a'"),
        ("\"hi, you\"", "0x1234 \"hi, you\"", "0x0000000000001234 \"hi, you\""),
        ("0x10", "(struct node *) 0x10", "0x0000000000000010"),
        ("{1, 2}", "{1, 2}", "([0] = 1, [1] = 2)"),
        ("{x = 1, in = {y = 2.5}}", "{x = 1, in = {y = 2.5}}", "{\n  x = 1\n  in = (y = 2.5)\n}"),
        ("{Base = {x = 1}, y = 2}", "{<Base> = {x = 1}, y = 2}", "{\n  Base = (x = 1)\n  y = 2\n}"),
        ("5", "@0x7ffe: 5", "0x00007ffe (&r = 5)"),
        ("5", "(int &) @0x7ffe: 5", "0x00007ffe {\n  &r = 5\n}"),
        ("RED", "guest::RED", "RED"),
        ("None", "core::option::Option<u32>::None", "None"),
        ("Point{x = 1, y = 2}", "guest::Point {x: 1, y: 2}", "guest::Point (x = 1, y = 2)"),
        ("{1, {2, 3}}", "(1, [2, 3])", "(1, (2, 3))"),
        ("_", "17", "17"),
    ];
    for (script, gdb, lldb) in same {
        let expected = Value::parse(script, Writer::Script);
        for (text, writer) in [(gdb, Writer::Gdb), (lldb, Writer::Lldb)] {
            let found = Value::parse(text, writer);
            if !expected.matches(&found) {
                return Err(format!("{writer:?}: `{text}` should be {expected}, is {found}"));
            }
        }
    }
    let different = [
        ("1", "2"),
        ("_", "<optimized out>"),
        ("{x = _}", "{x = <error reading variable>}"),
        ("{x = 1}", "{y = 1}"),
        ("{1, 2}", "{1, 2, 3}"),
        ("Circle{1}", "Square(1)"),
        ("_", ""),
    ];
    for (script, gdb) in different {
        let expected = Value::parse(script, Writer::Script);
        let found = Value::parse(gdb, Writer::Gdb);
        if expected.matches(&found) {
            return Err(format!("`{gdb}` should not be {expected}"));
        }
    }
    let variables = [
        ("a = 1\nb = {x = 2}\n", Writer::Gdb),
        ("(int) a = 1\n(struct b (*)[2]) b = {\n  x = 2\n}\n", Writer::Lldb),
    ];
    for (text, writer) in variables {
        let names: Vec<_> = Value::list(text, writer)
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if names != ["a=1", "b={x = 2}"] {
            return Err(format!("{writer:?}: `{text}` is read as {names:?}"));
        }
    }
    Ok(())
}
