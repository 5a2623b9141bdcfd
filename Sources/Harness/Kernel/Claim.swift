import Glibc

/// A directory that is this process's as long as the claim lives, or the process.
///
/// The claim is a lock on the directory itself (flock(2)), in any file system: the kernel ends it with the process, and it
/// holds across PID, time and mount namespaces. Numbers of processes and their start times mean something else in each.
package final class Claim: Sendable {
    private let descriptor: Descriptor

    private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Closing is not enough: a child between clone and exec has a copy of the descriptor, and the lock with it.
    deinit { flock(descriptor.rawValue, LOCK_UN) }

    /// How often a directory is made anew: another run may take it for a leftover in the moment before it is locked.
    private static let attempts = 10

    /// Makes a directory, which must not be there, and locks it.
    ///
    /// - Parameter directory: an open directory that the path counts from.
    /// - Throws: `SystemCallError`: EEXIST where there is anything of this name.
    package init(making path: String, in directory: Int32 = AT_FDCWD) throws {
        for _ in 0..<Claim.attempts {
            guard mkdirat(directory, path, 0o700) == 0 else {
                throw SystemCallError("make directory", path, Errno(rawValue: errno))
            }
            let opened = openat(directory, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard opened >= 0 else { continue }
            let descriptor = Descriptor(owning: opened)
            var own = stat()
            var found = stat()
            // Another run that clears up has it for a moment.
            if flock(opened, LOCK_SH) == 0, fstat(opened, &own) == 0,
                fstatat(directory, path, &found, AT_SYMLINK_NOFOLLOW) == 0, own.st_ino == found.st_ino,
                own.st_dev == found.st_dev
            {
                self.descriptor = descriptor
                return
            }
        }
        throw SystemCallError("lock directory", path, .wouldBlock)
    }

    /// Locks a directory that exists; others may lock it, too. Nil where it is gone, or a guard is removing it.
    package init?(sharing path: String) {
        let opened = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { return nil }
        descriptor = Descriptor(owning: opened)
        guard flock(opened, LOCK_SH | LOCK_NB) == 0 else { return nil }
    }

    /// The directory, where nobody claims it: the caller's while it clears up.
    package static func abandoned(_ path: String, in directory: Int32 = AT_FDCWD) -> Claim? {
        let opened = openat(directory, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { return nil }
        let descriptor = Descriptor(owning: opened)
        return flock(opened, LOCK_EX | LOCK_NB) == 0 ? Claim(descriptor) : nil
    }
}
