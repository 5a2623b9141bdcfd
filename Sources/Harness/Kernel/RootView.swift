import CLinux
import Glibc

/// The file system as a process saw it that had it for its root: with all its mounts, also when the process has ended or
/// has changed its root since.
package struct RootView: ~Copyable {
    private let root: Descriptor
    /// As long as it is open the mounts stay where they are.
    private let mountNamespace: Descriptor

    /// A way for a process that is being started to hand its root over: `SetupStep.sendRoot`.
    package struct Channel: ~Copyable {
        package let sendingEnd: Descriptor
        private let receivingEnd: Descriptor

        /// The corresponding C function is `socketpair(2)`.
        package init() throws(Errno) {
            var one: Int32 = -1
            var other: Int32 = -1
            _ = try valueOrNegatedErrno(clinux_socket_pair(&one, &other, false))
            sendingEnd = Descriptor(owning: one)
            receivingEnd = Descriptor(owning: other)
        }

        /// What was handed over.
        ///
        /// - Throws: `Errno.wouldBlock` where nothing was.
        package func receive() throws(Errno) -> RootView {
            var root: Int32 = -1
            var namespace: Int32 = -1
            _ = try valueOrNegatedErrno(clinux_receive_root(receivingEnd.rawValue, &root, &namespace))
            return RootView(root: Descriptor(owning: root), mountNamespace: Descriptor(owning: namespace))
        }
    }

    private init(root: consuming Descriptor, mountNamespace: consuming Descriptor) {
        self.root = root
        self.mountNamespace = mountNamespace
    }

    /// What a file is, and the beginning of its text.
    package struct Look: Sendable {
        package let mode: UInt16
        package let user: UInt32
        package let group: UInt32
        package let inode: UInt64
        /// Nanoseconds since 1970.
        package let modified: Int64
        /// The same, of the last change of anything about it.
        package let changed: Int64
        package let sizeInBytes: Int64
        /// Of a regular file that can be read and is not the kernel's own.
        package let beginning: [UInt8]?
        /// There is more of it than the beginning.
        package let isCut: Bool
    }

    /// How often a path is looked up again while something on it is being renamed (openat2(2), EAGAIN).
    private static let patience = 1000

    /// Looks at a file, as a process would that has this root. Nil where there is none, or no way to it.
    ///
    /// What is there may be anything: nothing but a regular file is opened.
    ///
    /// - Throws: `Errno`, for reasons that lie outside the container.
    package func look(at path: String, limitInBytes: Int) throws(Errno) -> Look? {
        guard let found = try open(path, 0o10_000_000) else { return nil }  // O_PATH
        var status = stat()
        if fstat(found.rawValue, &status) != 0 { throw Errno(rawValue: errno) }
        guard status.st_mode & S_IFMT == S_IFREG, !clinux_is_of_kernel(found.rawValue),
            let file = try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        else { return RootView.look(status, nil, isCut: false) }
        // Of this one from here on: the path may lead elsewhere by now.
        if fstat(file.rawValue, &status) != 0 { throw Errno(rawValue: errno) }
        guard status.st_mode & S_IFMT == S_IFREG, !clinux_is_of_kernel(file.rawValue) else {
            return RootView.look(status, nil, isCut: false)
        }
        guard let bytes = try? file.read(upTo: limitInBytes + 1) else {
            return RootView.look(status, nil, isCut: false)
        }
        return RootView.look(status, Array(bytes.prefix(limitInBytes)), isCut: bytes.count > limitInBytes)
    }

    /// Whether the file system of a directory is full; false where there is no such path.
    package func isFull(_ path: String) -> Bool {
        guard let found = (try? open(path, 0o10_000_000)) ?? nil else { return false }  // O_PATH
        return (try? Files.space(of: found).isFull) == true
    }

    private static func look(_ status: stat, _ text: [UInt8]?, isCut: Bool) -> Look {
        Look(
            mode: UInt16(status.st_mode & 0o7777), user: status.st_uid, group: status.st_gid,
            inode: UInt64(status.st_ino),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
            changed: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec),
            sizeInBytes: Int64(status.st_size), beginning: text, isCut: isCut)
    }

    /// Nil where the container's own doing is why it cannot be opened.
    private func open(_ path: String, _ flags: Int32) throws(Errno) -> Descriptor? {
        for _ in 0..<RootView.patience {
            let result = clinux_open_in_root(root.rawValue, path, flags)
            if result >= 0 { return Descriptor(owning: result) }
            switch -result {
            case EAGAIN, EINTR: continue
            case ENOENT, ENOTDIR, ELOOP, EXDEV, EACCES, ENAMETOOLONG, ENXIO, ENODEV, EPERM: return nil
            default: throw Errno(rawValue: -result)
            }
        }
        throw .wouldBlock
    }
}
