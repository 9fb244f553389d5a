//! What each function does with each kind of path that stays inside: error numbers are those that Linux gives.
//!
//! What leads outside is in `attacks`.

mod common;

use common::world::check_deeds;

#[test]
fn what_a_path_names_says_what_can_be_done_with_it() {
    check_deeds(&[
        (
            "file",
            "NOTDIR: open_dir open_dir_follow rmdir rename_dir_to;
             EXIST: create_new create_new_follow mkdir symlink_at link_to; INVAL: readlink; OK: *",
        ),
        (
            "dir",
            "ISDIR: write write_follow truncate truncate_follow create create_follow unlink rename_file_to;
             EXIST: create_new create_new_follow mkdir symlink_at link_to; INVAL: readlink; PERM: link_from; OK: *",
        ),
        (
            "full",
            "ISDIR: write write_follow truncate truncate_follow create create_follow unlink rename_file_to;
             EXIST: create_new create_new_follow mkdir symlink_at link_to; INVAL: readlink; PERM: link_from;
             NOTEMPTY: rmdir rename_dir_to; OK: *",
        ),
        (
            "absent",
            "OK: create create_follow create_new create_new_follow mkdir symlink_at symlink_to link_to rename_file_to
                 rename_dir_to; NOENT: *",
        ),
        ("absent/x", "OK: symlink_to; NOENT: *"),
        ("file/x", "OK: symlink_to; NOTDIR: *"),
        (
            "to_dir/x",
            "OK: create create_follow create_new create_new_follow mkdir symlink_at symlink_to link_to rename_file_to;
             INVAL: rename_dir_to; NOENT: *",
        ),
    ]);
}

#[test]
fn links_are_followed_if_they_should_be() {
    check_deeds(&[
        (
            "to_file",
            "LOOP: open write truncate create; NOTDIR: open_dir open_dir_follow rmdir rename_dir_to;
             EXIST: create_new create_new_follow mkdir symlink_at link_to; OK: *",
        ),
        (
            "to_dir",
            "LOOP: open write truncate create; NOTDIR: open_dir rmdir rename_dir_to;
             ISDIR: write_follow truncate_follow create_follow;
             EXIST: create_new create_new_follow mkdir symlink_at link_to; OK: *",
        ),
        (
            "dangling",
            "LOOP: open write truncate create; NOTDIR: open_dir rmdir rename_dir_to;
             NOENT: open_follow open_dir_follow write_follow truncate_follow stat_follow times_follow;
             EXIST: create_new create_new_follow mkdir symlink_at link_to; OK: *",
        ),
        (
            "loop",
            "LOOP: open open_follow open_dir_follow write write_follow truncate truncate_follow create create_follow
                   stat_follow times_follow;
             NOTDIR: open_dir rmdir rename_dir_to;
             EXIST: create_new create_new_follow mkdir symlink_at link_to; OK: *",
        ),
        ("loop/x", "OK: symlink_to; LOOP: *"),
    ]);
}

/// Linux does not look what a link with a slash behind it leads to when it is to be removed or stands where something new
/// should be; that these fail for the other reason, as in wasmtime, does no harm.
#[test]
fn what_ends_in_a_slash_is_a_directory() {
    const DIRECTORY: &str =
        "ISDIR: write write_follow truncate truncate_follow create create_follow create_new create_new_follow unlink;
         EXIST: mkdir symlink_at link_to; INVAL: readlink; PERM: link_from; NOTDIR: rename_file_to; OK: *";
    const FILE: &str = "ISDIR: create create_follow create_new create_new_follow; EXIST: mkdir; OK: stat symlink_to; NOTDIR: *";
    check_deeds(&[
        ("file/", FILE),
        ("to_file/", FILE),
        ("dir/", DIRECTORY),
        ("dir///", DIRECTORY),
        (
            "full/",
            "ISDIR: write write_follow truncate truncate_follow create create_follow create_new create_new_follow unlink;
             EXIST: mkdir symlink_at link_to; INVAL: readlink; PERM: link_from; NOTEMPTY: rmdir rename_dir_to;
             NOTDIR: rename_file_to; OK: *",
        ),
        (
            "absent/",
            "ISDIR: create create_follow create_new create_new_follow; OK: mkdir symlink_to rename_dir_to;
             NOTDIR: rename_file_to; NOENT: *",
        ),
        (
            "to_dir/",
            "ISDIR: write write_follow truncate truncate_follow create create_follow create_new create_new_follow unlink;
             EXIST: mkdir symlink_at link_to; NOTDIR: rmdir rename_from rename_file_to rename_dir_to;
             INVAL: readlink; PERM: link_from; OK: *",
        ),
        (
            "dangling/",
            "ISDIR: create create_follow create_new create_new_follow; EXIST: mkdir;
             NOTDIR: rmdir rename_from rename_file_to rename_dir_to; OK: stat symlink_to; NOENT: *",
        ),
        (
            "loop/",
            "ISDIR: create create_follow create_new create_new_follow; EXIST: mkdir;
             NOTDIR: rmdir rename_from rename_file_to rename_dir_to; OK: stat symlink_to; LOOP: *",
        ),
    ]);
}

#[test]
fn dots_are_directories_that_cannot_be_removed() {
    const DOT: &str = "ISDIR: write write_follow truncate truncate_follow create create_follow unlink;
         EXIST: create_new create_new_follow mkdir symlink_at link_to; INVAL: rmdir readlink; PERM: link_from;
         BUSY: rename_from rename_file_to rename_dir_to; OK: *";
    check_deeds(&[
        (".", DOT),
        ("./", DOT),
        (".//.", DOT),
        ("dir/.", DOT),
        ("to_dir/.", DOT),
        ("dir/..", DOT),
        ("to_dir/..", DOT),
        ("dir/../full/../dir/..", DOT),
        // Elsewhere `cap-std` overlooks the dot, if it looks for no links.
        (
            "file/.",
            if cfg!(windows) {
                "OK: symlink_to; NOTDIR: *"
            } else {
                "OK: stat symlink_to; NOTDIR: *"
            },
        ),
        ("file/..", "OK: symlink_to; NOTDIR: *"),
        ("absent/..", "OK: symlink_to; NOENT: *"),
    ]);
}

#[test]
fn names_have_limits() {
    let new = "OK: create create_follow create_new create_new_follow mkdir symlink_at symlink_to link_to rename_file_to
                   rename_dir_to; NOENT: *";
    let file = "NOTDIR: open_dir open_dir_follow rmdir rename_dir_to;
                EXIST: create_new create_new_follow mkdir symlink_at link_to; INVAL: readlink; OK: *";
    // On Windows, what cannot be a name cannot be a word in a link.
    let too_long = match cfg!(windows) {
        true => "NAMETOOLONG: *",
        false => "OK: symlink_to; NAMETOOLONG: *",
    };
    let name = |len: usize| "n".repeat(len);
    check_deeds(&[
        ("", "NOENT: *"),
        (&name(255), new),
        (&name(256), too_long),
        (&format!("dir/{}", name(256)), too_long),
        (&(name(256) + "/x"), too_long),
        (&("dir/../".repeat(500) + "file"), file),
        (&("./".repeat(2000) + "file"), file),
        (&("x/".repeat(2000) + &name(200)), "NAMETOOLONG: *"),
        (&name(5000), "NAMETOOLONG: *"),
    ]);
}

#[test]
fn names_may_be_in_any_script() {
    let new = "OK: create create_follow create_new create_new_follow mkdir symlink_at symlink_to link_to rename_file_to
                   rename_dir_to; NOENT: *";
    let mut names = vec!["smørrebrød", "名前", ".x", "a b", "C", "%25", "COM", "$"];
    // On Windows these mean something else, or nothing: see `attacks`.
    if cfg!(unix) {
        names.extend([" ", "...", "a\\b", "C:", "*?\"<>|", "new\nline"]);
    }
    for name in names {
        check_deeds(&[(name, new)]);
    }
}

#[test]
fn no_path_contains_a_zero_byte() {
    for path in ["\0", "file\0", "fi\0le", "dir/\0", "\0/file", "dir\0/x"] {
        check_deeds(&[(path, "INVAL: *")]);
    }
}
