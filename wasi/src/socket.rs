//! `sock_*`. A guest opens no sockets by itself: it accepts connections on those that were opened for it.

use crate::ctx::WasiCtx;
use crate::descriptor::{Descriptor, Kind};
use crate::errno::{Errno, Result};
use crate::flags::{self, FdFlags, RiFlags, Rights, SdFlags};
use crate::host::readiness::Direction;
use crate::host::socket::Socket;
use crate::host::wait;
use crate::memory::GuestMemory;

/// What `sock_recv` tells about what was received: there was more, which is lost.
const RECV_DATA_TRUNCATED: u16 = 1 << 0;

pub fn accept(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    flags: u32,
    result: u32,
) -> Result<()> {
    let descriptor = ctx.table.get(fd)?;
    let listener = match &descriptor.kind {
        Kind::Listener(listener) => listener,
        // As a connection that is asked for connections.
        Kind::Connection(_) => return Err(Errno::Inval),
        _ => return Err(Errno::Notsock),
    };
    descriptor.require(Rights::SOCK_ACCEPT)?;
    let flags: FdFlags = flags::parse(flags)?;
    if !FdFlags::NONBLOCK.contains(flags) {
        return Err(Errno::Inval);
    }
    memory.check(result, 4)?;
    ctx.table.vacancy()?;
    let may_wait = !descriptor.flags.contains(FdFlags::NONBLOCK);
    let connection = next_connection(listener, may_wait, flags.contains(FdFlags::NONBLOCK))?;
    let connection = Kind::Connection(connection);
    let accepted = Descriptor { flags, ..Descriptor::new(connection, Rights::CONNECTION) };
    let accepted = ctx.table.insert(accepted)?;
    memory.write_u32(result, accepted)
}

/// Whether accepting waits is the guest's choice, and not the socket's, which others may use, too: one of them may take the
/// connection that was there.
fn next_connection(listener: &Socket, may_wait: bool, nonblocking: bool) -> Result<Socket> {
    if !may_wait && !wait::is_ready(listener.handle(), Direction::Read)? {
        return Err(Errno::Again);
    }
    loop {
        match listener.accept(nonblocking).map_err(Errno::from) {
            Err(Errno::Again) if may_wait => {
                wait::wait(&[(listener.handle(), Direction::Read)], None)?;
            }
            result => return result,
        }
    }
}

pub fn recv(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    buffers: u32,
    count: u32,
    flags: u32,
    (result, result_flags): (u32, u32),
) -> Result<()> {
    let socket = connection(ctx, fd, Rights::FD_READ)?;
    let how: RiFlags = flags::parse(flags)?;
    let mut buffers = memory.buffers(buffers, count)?;
    memory.check(result, 4)?;
    memory.check(result_flags, 2)?;
    let mut truncated = false;
    let mut received = 0;
    while !buffers.is_empty() {
        let mut room = 0;
        let filled = memory.fill(&buffers, |slices| {
            room = slices.iter().map(|slice| slice.len()).sum();
            let (filled, more) = socket.receive(slices, how)?;
            truncated = more;
            Ok(filled)
        });
        match filled {
            Ok(filled) => {
                received += filled;
                buffers.advance(filled);
                // Where bytes are copied, it may take several pieces to receive all.
                if filled < room || how != RiFlags::RECV_WAITALL {
                    break;
                }
            }
            // What was received is not lost.
            Err(_) if received > 0 => break,
            Err(error) => return Err(error),
        }
    }
    memory.write_u32(result, received as u32)?;
    let flags = if truncated { RECV_DATA_TRUNCATED } else { 0 };
    memory.write(result_flags, &flags.to_le_bytes())
}

/// No flags are defined.
pub fn send(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    buffers: u32,
    count: u32,
    flags: u32,
    result: u32,
) -> Result<()> {
    let socket = connection(ctx, fd, Rights::FD_WRITE)?;
    if flags != 0 {
        return Err(Errno::Inval);
    }
    let buffers = memory.buffers(buffers, count)?;
    memory.check(result, 4)?;
    let sent = memory.drain(&buffers, |slices| Ok(socket.send(slices)?))?;
    memory.write_u32(result, sent as u32)
}

pub fn shutdown(ctx: &mut WasiCtx, _: &mut GuestMemory<'_>, fd: u32, which: u32) -> Result<()> {
    let socket = connection(ctx, fd, Rights::SOCK_SHUTDOWN)?;
    let which: SdFlags = flags::parse(which)?;
    socket.shutdown(which)
}

fn connection(ctx: &WasiCtx, fd: u32, rights: Rights) -> Result<&Socket> {
    let descriptor = ctx.table.get(fd)?;
    match &descriptor.kind {
        Kind::Connection(socket) => {
            descriptor.require(rights)?;
            Ok(socket)
        }
        Kind::Listener(_) => Err(Errno::Notconn),
        _ => Err(Errno::Notsock),
    }
}
