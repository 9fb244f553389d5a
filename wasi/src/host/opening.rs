//! How something is opened.

use cap_fs_ext::{
    FollowSymlinks, OpenOptionsFollowExt, OpenOptionsMaybeDirExt, OpenOptionsSyncExt,
};
use cap_std::fs::OpenOptions;

use crate::flags::FdFlags;

/// Whether something is made if it is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Create {
    /// It is not.
    Never,
    /// It is.
    IfMissing,
    /// It must not be there yet.
    Always,
}

/// How something is opened.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Whether it will be read.
    pub read: bool,
    /// Whether it will be written.
    pub write: bool,
    /// Whether it is made empty.
    pub truncate: bool,
    /// Whether it is made.
    pub create: Create,
    /// Whether a symbolic link is followed if it is the path's last component.
    pub follow: bool,
    /// Whether it must be a directory. What is none is not even opened, as that may have effects of its own.
    pub directory_only: bool,
    /// How it will behave.
    pub flags: FdFlags,
}

impl How {
    /// The same, for `cap-std`.
    pub(super) fn options(self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(self.read).write(self.write).truncate(self.truncate);
        options.create(self.create == Create::IfMissing);
        options.create_new(self.create == Create::Always);
        options.maybe_dir(true).follow(match self.follow {
            true => FollowSymlinks::Yes,
            false => FollowSymlinks::No,
        });
        options.sync(self.flags.contains(FdFlags::SYNC));
        options.dsync(self.flags.contains(FdFlags::DSYNC));
        options.rsync(self.flags.contains(FdFlags::RSYNC));
        options.nonblock(self.flags.contains(FdFlags::NONBLOCK));
        options
    }
}
