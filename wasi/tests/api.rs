//! What `docs/api.md` says of WASI preview 1 is true. As `loader/tests/api.rs`.

use std::fmt::{Debug, Display};
use std::fs::File;
use std::io::{Empty, Sink};
use std::net::TcpListener;
use std::path::PathBuf;

use wootz::{Linker, Module, Result};
use wootz_wasi::*;

#[path = "../../loader/tests/common/api_table.rs"]
mod api_table;

use api_table::{Names, documented, rows};

#[test]
fn the_table_lists_what_there_is() {
    let mut names = Names::default();
    let names = &mut names;
    types! { names;
        FsPerms: Clone, Copy, PartialEq, Debug, Send, Sync;
        I32Exit: Debug, Display, std::error::Error, Send, Sync;
        WasiCtx: Send;
        WasiCtxBuilder: Default, Send;
    }
    items! { names;
        WasiCtx::builder: fn() -> WasiCtxBuilder;
        WasiCtxBuilder::new: fn() -> WasiCtxBuilder;
        WasiCtxBuilder::arg: for<'a> fn(&'a mut WasiCtxBuilder, &'static str) -> &'a mut WasiCtxBuilder;
        WasiCtxBuilder::args: for<'a> fn(&'a mut WasiCtxBuilder, &[String]) -> &'a mut WasiCtxBuilder;
        WasiCtxBuilder::inherit_args: fn(&mut WasiCtxBuilder) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::env: for<'a> fn(&'a mut WasiCtxBuilder, &'static str, String) -> &'a mut WasiCtxBuilder;
        WasiCtxBuilder::envs: for<'a> fn(&'a mut WasiCtxBuilder, &[(&'static str, String)]) -> &'a mut WasiCtxBuilder;
        WasiCtxBuilder::inherit_env: fn(&mut WasiCtxBuilder) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::stdin: fn(&mut WasiCtxBuilder, Empty) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::stdout: fn(&mut WasiCtxBuilder, MemoryOutputPipe) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::stderr: fn(&mut WasiCtxBuilder, Sink) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::inherit_stdin: fn(&mut WasiCtxBuilder) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::inherit_stdout: fn(&mut WasiCtxBuilder) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::inherit_stderr: fn(&mut WasiCtxBuilder) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::inherit_stdio: fn(&mut WasiCtxBuilder) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::preopened_dir: for<'a> fn(&'a mut WasiCtxBuilder, PathBuf, &'static str, FsPerms) -> Result<&'a mut WasiCtxBuilder>;
        WasiCtxBuilder::build: fn(&mut WasiCtxBuilder) -> WasiCtx;
    }
    uses! { names;
        "p1::add_to_linker_sync" => |linker: &mut Linker<WasiCtx>| -> Result<()> { add_to_linker(linker, |ctx| ctx) };
        "p2::pipe::MemoryOutputPipe" => || { let it = MemoryOutputPipe::new(10); it.clone().contents().len() + I32Exit(0).0 as usize };
    }
    names.assert_listed(&documented(|title| title == "WASI preview 1"));
}

#[test]
fn the_table_lists_what_is_ours_alone() {
    let mut names = Names::default();
    let names = &mut names;
    types! { names;
        Listener: Debug, From<TcpListener>, Send, Sync;
    }
    #[cfg(unix)]
    let _: fn(std::os::unix::net::UnixListener) -> Listener = Listener::from;
    items! { names;
        WasiCtxBuilder::preopened_listener: fn(&mut WasiCtxBuilder, TcpListener) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::max_descriptors: fn(&mut WasiCtxBuilder, usize) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::stdin_file: fn(&mut WasiCtxBuilder, File) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::stdout_file: fn(&mut WasiCtxBuilder, File) -> &mut WasiCtxBuilder;
        WasiCtxBuilder::stderr_file: fn(&mut WasiCtxBuilder, File) -> &mut WasiCtxBuilder;
    }
    uses! { names;
        "add_imported_to_linker" => |linker: &mut Linker<WasiCtx>, module: &Module| -> Result<()> {
            add_imported_to_linker(linker, [module], |ctx| ctx)
        };
    }
    let title = "WASI preview 1, ours alone";
    names.assert_listed(&rows(|other| other == title).into_iter().map(|(name, _)| name).collect());
}
