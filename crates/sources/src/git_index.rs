//! Parser of `.git/index`, the list of files of a git checkout, after git's `Documentation/gitformat-index.txt`.
//!
//! Cargo builds git dependencies in its checkout, where build scripts and cargo itself leave files that are not part of
//! the commit. The index lists only files of the commit.

/// The type of an index entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File {
        /// Whether the owner may execute it.
        executable: bool,
    },
    /// A symbolic link.
    Symlink,
    /// A commit of another repository (a submodule).
    Submodule,
}

/// An index entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path from the top of the repository, `/`-separated.
    pub path: Vec<u8>,
    /// Its type.
    pub kind: Kind,
    /// Length in bytes of the file as checked out, modulo 2^32; zero if git must compare the contents.
    pub size: u32,
}

/// The reasons why an index cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// It has no signature or is truncated.
    #[error("it is not a git index, or it is truncated")]
    Invalid,
    /// An unsupported version of the format.
    #[error("version {0} of its format is not supported, only 2 and 3 are")]
    Version(u32),
    /// A file mode that git does not use in a checkout.
    #[error("it has an entry of mode {0:o}")]
    Mode(u32),
}

/// Length in bytes of the fields before the flags of an entry: times, device, inode, mode, owner and size, then the
/// object id.
const STAT: usize = 40;
const OBJECT_ID: usize = 20;

/// Parses an index. The entries are sorted by the bytes of their paths.
///
/// # Errors
/// If it is not an index of version 2 or 3, the versions that libgit2 writes.
pub fn parse(index: &[u8]) -> Result<Vec<Entry>, IndexError> {
    let word = |at: usize| -> Result<u32, IndexError> {
        let bytes = index.get(at..at + 4).ok_or(IndexError::Invalid)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    if !index.starts_with(b"DIRC") {
        return Err(IndexError::Invalid);
    }
    let version = word(4)?;
    if !(2..=3).contains(&version) {
        return Err(IndexError::Version(version));
    }
    let mut entries = Vec::new();
    let mut at = 12;
    for _ in 0..word(8)? {
        let (mode, size) = (word(at + 24)?, word(at + 36)?);
        let kind = match mode {
            // Old repositories have other permission bits; git uses only the owner's executable bit.
            mode if mode & 0o170_000 == 0o100_000 => Kind::File { executable: mode & 0o100 != 0 },
            0o120_000 => Kind::Symlink,
            0o160_000 => Kind::Submodule,
            mode => return Err(IndexError::Mode(mode)),
        };
        let flags = at + STAT + OBJECT_ID;
        let is_extended = index.get(flags).ok_or(IndexError::Invalid)? & 0x40 != 0;
        let name = flags + if is_extended { 4 } else { 2 };
        let rest = index.get(name..).ok_or(IndexError::Invalid)?;
        let length = rest.iter().position(|&byte| byte == 0).ok_or(IndexError::Invalid)?;
        entries.push(Entry { path: rest[..length].to_vec(), kind, size });
        // An entry is padded with one to eight zero bytes to a multiple of eight.
        at += (name + length - at) / 8 * 8 + 8;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(version: u32, entries: &[(u32, &str, u16)]) -> Vec<u8> {
        let mut bytes = b"DIRC".to_vec();
        bytes.extend(version.to_be_bytes());
        bytes.extend((entries.len() as u32).to_be_bytes());
        for (mode, path, flags) in entries {
            let start = bytes.len();
            bytes.extend([0; 24]);
            bytes.extend(mode.to_be_bytes());
            bytes.extend([0; 8]);
            bytes.extend(7u32.to_be_bytes());
            bytes.extend([0; OBJECT_ID]);
            bytes.extend(flags.to_be_bytes());
            bytes.extend(vec![0; if flags & 0x4000 != 0 { 2 } else { 0 }]);
            bytes.extend(path.bytes());
            bytes.push(0);
            while !(bytes.len() - start).is_multiple_of(8) {
                bytes.push(0);
            }
        }
        bytes
    }

    #[test]
    fn entries_are_read() {
        // Path lengths around a multiple of eight.
        let paths = ["a", "a/12", "a/123", "a/1234", "a/12345", "a/123456", "a/1234567"];
        for version in [2, 3] {
            let flags = if version == 3 { 0x4000 } else { 0 };
            let written: Vec<_> = paths.iter().map(|path| (0o100_755, *path, flags)).collect();
            let entries = parse(&index(version, &written)).unwrap();
            let read: Vec<&[u8]> = entries.iter().map(|entry| entry.path.as_slice()).collect();
            assert_eq!(read, paths.map(str::as_bytes));
            assert!(entries.iter().all(|entry| entry.kind == Kind::File { executable: true } && entry.size == 7));
        }
    }

    #[test]
    fn invalid_index_is_an_error() {
        assert_eq!(parse(b""), Err(IndexError::Invalid));
        assert_eq!(parse(&index(4, &[])), Err(IndexError::Version(4)));
        assert_eq!(parse(&index(2, &[(0o040_000, "a", 0)])), Err(IndexError::Mode(0o040_000)));
        let whole = index(2, &[(0o120_000, "link", 0)]);
        assert_eq!(parse(&whole[..whole.len() - 12]), Err(IndexError::Invalid));
    }
}
