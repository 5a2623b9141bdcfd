import CLinux
import Glibc
import Vocabulary

/// A file descriptor with one owner, closed when the owner lets go of it.
package struct Descriptor: ~Copyable, Sendable {
    /// The number, for calls that take one; valid as long as the owner lives.
    package let rawValue: Int32

    /// Takes ownership of an open descriptor.
    package init(owning rawValue: Int32) {
        self.rawValue = rawValue
    }

    deinit {
        Glibc.close(rawValue)
    }

    /// How a file is opened; O_CLOEXEC always is.
    package enum Access: Sendable {
        case read, readNonBlocking, write, append, truncate, pathOnly, directory

        fileprivate var flags: Int32 {
            switch self {
            case .read: O_RDONLY
            case .readNonBlocking: O_RDONLY | O_NONBLOCK
            case .write: O_WRONLY
            case .append: O_WRONLY | O_APPEND | O_CREAT
            case .truncate: O_WRONLY | O_TRUNC | O_CREAT
            case .pathOnly: 0o10_000_000  // O_PATH
            case .directory: O_RDONLY | O_DIRECTORY
            }
        }
    }

    /// Opens a file, relative to a directory where one is given.
    ///
    /// The corresponding C function is `openat(2)`.
    package static func open(
        _ path: String, _ access: Access, in directory: Int32 = AT_FDCWD
    ) throws(Errno) -> Descriptor {
        Descriptor(
            owning: try valueOrErrno {
                Glibc.openat(directory, path, access.flags | O_CLOEXEC, 0o644)
            })
    }

    /// Reads what there is, up to the buffer's size; 0 at the end.
    ///
    /// - Throws: `Errno.wouldBlock` when a non-blocking descriptor has nothing now.
    ///
    /// The corresponding C function is `read(2)`.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try valueOrErrno { Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
    }

    /// Writes everything, in as many calls as it takes.
    package func write(_ text: String) throws(Errno) {
        var rest = ArraySlice(text.utf8)
        while !rest.isEmpty {
            let count = try valueOrErrno {
                rest.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// The corresponding C function is `fchown(2)`.
    package func setOwner(user: UInt32) throws(Errno) {
        _ = try valueOrErrno { fchown(rawValue, user, gid_t.max) }
    }

    /// Reads to the end, or this many bytes.
    package func read(upTo limit: Int) throws(Errno) -> [UInt8] {
        var result: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 16384, alignment: 16)
        defer { chunk.deallocate() }
        while result.count < limit {
            let count = try read(into: chunk)
            if count == 0 { break }
            result.append(contentsOf: chunk.prefix(min(count, limit - result.count)))
        }
        return result
    }

    /// Reads to the end.
    package func readAll() throws(Errno) -> [UInt8] {
        var result: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 16384, alignment: 16)
        defer { chunk.deallocate() }
        while true {
            let count = try read(into: chunk)
            if count == 0 { return result }
            result.append(contentsOf: chunk.prefix(count))
        }
    }
}

/// A pipe; the end that stays here does not block.
package struct Pipe: ~Copyable, Sendable {
    package let readEnd: Descriptor
    package let writeEnd: Descriptor

    /// The corresponding C function is `pipe2(2)`.
    ///
    /// - Parameter isRead: whether this process reads from it; otherwise it writes. Its end does not block.
    package init(isRead: Bool = true) throws(Errno) {
        var ends: (Int32, Int32) = (-1, -1)
        _ = try valueOrNegatedErrno(clinux_pipe(&ends.0, &ends.1, isRead))
        // Of a pipe that has just been made it cannot fail.
        if !isRead { _ = fcntl(ends.1, F_SETFL, O_NONBLOCK) }
        readEnd = Descriptor(owning: ends.0)
        writeEnd = Descriptor(owning: ends.1)
    }

    /// Gives away the writing end and closes the other.
    package consuming func takeWriteEnd() -> Descriptor {
        writeEnd
    }

    /// Gives away the reading end and closes the other.
    package consuming func takeReadEnd() -> Descriptor {
        readEnd
    }
}

/// A pseudo-terminal; the master does not block.
package struct Terminal: ~Copyable, Sendable {
    package let master: Descriptor
    package let slave: Descriptor
    /// Its name in the devpts.
    package let number: Int32

    /// Makes one in a mounted devpts, whose slave belongs to a user.
    ///
    /// The corresponding C functions are `open(2)` of `ptmx` and `ioctl_tty(2)` with TIOCGPTPEER.
    package init(devpts: String, owner: UInt32) throws {
        var master: Int32 = -1
        var slave: Int32 = -1
        do {
            number = try valueOrNegatedErrno(clinux_open_terminal(devpts, owner, &master, &slave))
        } catch {
            throw SystemCallError("open a terminal in", devpts, error)
        }
        self.master = Descriptor(owning: master)
        self.slave = Descriptor(owning: slave)
    }

    /// Takes it apart. As long as the slave is open, the master has no end.
    package consuming func parts<Result>(
        _ body: (consuming Descriptor, consuming Descriptor) -> Result
    ) -> Result {
        body(master, slave)
    }
}
