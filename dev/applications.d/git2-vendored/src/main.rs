//! libgit2 from `libgit2-sys`, with OpenSSL of `openssl-src`, libssh2 and zlib: a commit with the same hash on any
//! machine.

use git2::{Error, IndexEntry, IndexTime, Oid, Repository, Signature, Time, Version};

fn main() -> Result<(), Error> {
    let version = Version::get();
    println!("libgit2 {:?}, vendored: {}", version.libgit2_version(), version.vendored());
    println!("https: {}, ssh: {}", version.https(), version.ssh());
    let directory = std::env::temp_dir().join(format!("git2-vendored-{}", std::process::id()));
    let repository = Repository::init_bare(&directory)?;
    let mut index = repository.index()?;
    let time = IndexTime::new(0, 0);
    let entry = IndexEntry {
        ctime: time,
        mtime: time,
        dev: 0,
        ino: 0,
        mode: 0o100_644,
        uid: 0,
        gid: 0,
        file_size: 6,
        id: Oid::ZERO_SHA1,
        flags: 0,
        flags_extended: 0,
        path: b"greeting".to_vec(),
    };
    index.add_frombuffer(&entry, b"hello\n")?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let author = Signature::new("A U Thor", "author@example.com", &Time::new(1_700_000_000, 0))?;
    let commit = repository.commit(Some("HEAD"), &author, &author, "first", &tree, &[])?;
    println!("{commit}");
    for entry in &tree {
        println!("{} {}", entry.id(), entry.name().unwrap_or_default());
    }
    drop(std::fs::remove_dir_all(&directory));
    Ok(())
}
