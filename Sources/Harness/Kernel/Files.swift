import CLinux
import Glibc

/// Paths and their contents: the few calls on file names that the sandbox needs.
package enum Files {
    /// A missing directory is made; one that exists is left as it is.
    package static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws {
        if mkdir(path, mode) == 0 { return }
        let code = Errno(rawValue: errno)
        if code != .fileExists { throw SystemCallError("make directory", path, code) }
    }

    /// - Throws: `SystemCallError`, with ENOENT where there is no such directory and EBUSY where it is in use.
    package static func removeDirectory(_ path: String) throws {
        if rmdir(path) != 0 { throw SystemCallError("remove directory", path, Errno(rawValue: errno)) }
    }

    /// The same below an open directory, in a file system that may be mounted nowhere.
    package static func makeDirectory(_ name: String, in directory: borrowing Descriptor) throws {
        if mkdirat(directory.rawValue, name, 0o700) != 0 {
            throw SystemCallError("make directory", name, Errno(rawValue: errno))
        }
    }

    /// - Returns: whether it is gone.
    @discardableResult
    package static func removeDirectory(_ name: String, in directory: borrowing Descriptor) -> Bool {
        unlinkat(directory.rawValue, name, 0x200) == 0 || errno == ENOENT  // AT_REMOVEDIR
    }

    package static func remove(_ path: String) {
        unlink(path)
    }

    package static func write(_ text: String, to path: String, in directory: Int32 = AT_FDCWD) throws {
        do {
            try Descriptor.open(path, .write, in: directory).write(text)
        } catch {
            throw SystemCallError("write", path, error)
        }
    }

    /// Makes the file, or replaces what is in it.
    package static func write(_ text: String, creating path: String) throws {
        do {
            try Descriptor.open(path, .truncate).write(text)
        } catch {
            throw SystemCallError("write", path, error)
        }
    }

    /// Puts a text in the place of a file at once, with the permissions of the old one.
    ///
    /// The corresponding C function is `rename(2)`. A symbolic link is followed: what it leads to is replaced.
    package static func replace(_ path: String, with text: String) throws {
        let target = realPath(path) ?? path
        let temporary = "\(target).\(getpid()).tmp"
        var status = stat()
        let mode = stat(target, &status) == 0 ? status.st_mode & 0o7777 : 0o644
        do {
            try write(text, creating: temporary)
            if chmod(temporary, mode) != 0 || rename(temporary, target) != 0 {
                throw SystemCallError("replace", path, Errno(rawValue: errno))
            }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// The whole file, with what is not UTF-8 replaced; nil where it cannot be read.
    package static func text(of path: String, in directory: Int32 = AT_FDCWD) -> String? {
        guard let bytes = try? Descriptor.open(path, .read, in: directory).readAll() else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    package static func bytes(of path: String) throws(Errno) -> [UInt8] {
        try Descriptor.open(path, .read).readAll()
    }

    /// Standard input, to its end or so many bytes.
    package static func bytesOfInput(upTo limit: Int) throws(Errno) -> [UInt8] {
        let copy = dup(0)
        if copy < 0 { throw Errno(rawValue: errno) }
        return try Descriptor(owning: copy).read(upTo: limit)
    }

    package static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Whether this process may change it; also false on a read-only file system.
    package static func isWritable(_ path: String) -> Bool {
        access(path, W_OK) == 0
    }

    package static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// In bytes; nil where there is no regular file of this name.
    package static func sizeOfRegularFile(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    }

    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a directory, without `.` and `..`, sorted; empty where it cannot be read.
    package static func names(in path: String) -> [String] {
        names(in: opendir(path))
    }

    /// The names in an open directory.
    package static func names(in directory: borrowing Descriptor) -> [String] {
        names(in: fdopendir(openat(directory.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)))
    }

    private static func names(in stream: OpaquePointer?) -> [String] {
        guard let stream else { return [] }
        defer { closedir(stream) }
        var result: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { result.append(name) }
        }
        return result.sorted()
    }

    /// Where a symbolic link leads, or nil when the path is not one.
    package static func target(ofLink path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The absolute path without symbolic links, or nil when something on the way is missing.
    package static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// A program as execvp(3) finds it: as it stands when it has a slash, else in the directories of a search path.
    package static func find(program: String, in searchPath: String) -> String? {
        if program.contains("/") { return isExecutable(program) ? program : nil }
        return searchPath.split(separator: ":").map { "\($0)/\(program)" }.first(where: isExecutable)
    }

    /// What a file is, and the beginning of its text.
    package struct Look: Sendable {
        package let mode: UInt16
        package let user: UInt32
        package let group: UInt32
        package let inode: UInt64
        /// Nanoseconds since 1970.
        package let modified: Int64
        package let sizeInBytes: Int64
        /// Of a regular file that can be read.
        package let beginning: [UInt8]?
    }

    /// Looks at a file of another root, as a process would whose root it is. Nil when there is none.
    ///
    /// What is there may be anything: nothing but a regular file is opened.
    ///
    /// - Throws: `Errno`, for every reason but that something on the way is missing.
    package static func look(
        at path: String, inRoot root: borrowing Descriptor, limitInBytes: Int
    ) throws(Errno) -> Look? {
        let found: Descriptor
        do {
            found = Descriptor(owning: try valueOrNegatedErrno(clinux_open_in_root(root.rawValue, path, 0o10_000_000)))
        } catch {
            if error.rawValue == ENOENT || error.rawValue == ENOTDIR { return nil }
            throw error
        }
        var status = stat()
        if fstat(found.rawValue, &status) != 0 { throw Errno(rawValue: errno) }
        var text: [UInt8]?
        if status.st_mode & S_IFMT == S_IFREG {
            let file = clinux_open_in_root(root.rawValue, path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            if file >= 0 { text = try? Descriptor(owning: file).read(upTo: limitInBytes) }
        }
        return Look(
            mode: UInt16(status.st_mode & 0o7777), user: status.st_uid, group: status.st_gid,
            inode: UInt64(status.st_ino),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
            sizeInBytes: Int64(status.st_size), beginning: text)
    }

    /// The corresponding C function is `chown(2)`.
    package static func setOwner(of path: String, user: UInt32, group: UInt32) throws {
        if chown(path, user, group) != 0 { throw SystemCallError("change the owner of", path, Errno(rawValue: errno)) }
    }

    /// Takes a directory away with everything in it.
    package static func removeTree(_ path: String) throws {
        for name in names(in: path) {
            let inner = "\(path)/\(name)"
            var status = stat()
            let isDirectory = lstat(inner, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            if isDirectory { try removeTree(inner) } else { remove(inner) }
        }
        try removeDirectory(path)
    }
}
