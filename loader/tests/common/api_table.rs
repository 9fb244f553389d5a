//! The table in `docs/api.md`, and the names of what a test uses.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::path::Path;

/// The names of the items that are used.
#[derive(Default)]
pub struct Names(pub BTreeSet<String>);

impl Names {
    /// Adds an item, written as it is used: arguments of types are not part of its name.
    pub fn add(&mut self, used: &str) {
        let mut name = String::new();
        let mut depth = 0;
        for c in used.chars().filter(|c| !c.is_whitespace()) {
            match c {
                '<' => depth += 1,
                '>' => depth -= 1,
                _ if depth == 0 => name.push(c),
                _ => {}
            }
        }
        let name = name.replace("::::", "::");
        let name = name.trim_end_matches(':');
        assert!(self.0.insert(name.to_string()), "`{name}` is here twice");
    }

    /// Checks that the document lists just these.
    #[track_caller]
    pub fn assert_listed(&self, document: &BTreeSet<String>) {
        let unused: Vec<_> = document.difference(&self.0).collect();
        let unlisted: Vec<_> = self.0.difference(document).collect();
        assert!(
            unused.is_empty() && unlisted.is_empty(),
            "docs/api.md lists what this test does not use: {unused:?}; this test uses what docs/api.md does not list: \
             {unlisted:?}"
        );
    }
}

/// The rows of the sections whose titles are wanted: items, and what is said of them.
pub fn rows(wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let text = std::fs::read_to_string(path).expect("the document can be read");
    let mut rows = Vec::new();
    for section in text.split("\n## ").skip(1) {
        let (title, text) = section.split_once('\n').expect("a title is not everything");
        for line in text.lines().filter(|_| wanted(title)) {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let (Some(name), Some(answer)) = (cells.next(), cells.next()) else { continue };
            if let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) {
                rows.push((name.to_string(), answer.to_string()));
            }
        }
    }
    rows
}

/// The items of these sections that are there.
pub fn documented(wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, answer) in rows(wanted) {
        let is_there = match answer.split_once(": ") {
            None => answer == "works",
            Some(("differs", _)) => true,
            Some(("not yet" | "left out", _)) => false,
            _ => panic!("`{name}` is said to be \"{answer}\""),
        };
        assert!(is_there || answer.contains(": "), "`{name}` is said to be \"{answer}\"");
        if is_there {
            assert!(names.insert(name.clone()), "`{name}` has two rows");
        }
    }
    names
}

/// Types, and the traits that they implement.
#[macro_export]
macro_rules! types {
    ($names:ident; $($ty:ty: $($bound:path),*;)*) => {$(
        {
            #[allow(dead_code)]
            fn check<T: Sized $(+ $bound)*>() {}
            let _ = check::<$ty>;
            $names.add(stringify!($ty));
        }
    )*};
}

/// Functions, variants and constants, and the types that they have.
#[macro_export]
macro_rules! items {
    ($names:ident; $($path:path: $ty:ty;)*) => {$(
        {
            let _: $ty = $path;
            $names.add(stringify!($path));
        }
    )*};
}

/// Other items, and how they are used.
#[macro_export]
macro_rules! uses {
    ($names:ident; $($name:literal => $use:expr;)*) => {$(
        {
            let _ = $use;
            $names.add($name);
        }
    )*};
}
