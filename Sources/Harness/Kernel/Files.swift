import Glibc

/// Paths and their contents: the few calls on file names that the sandbox needs.
package enum Files {
    /// A missing directory is made, with just this mode; one that exists is left as it is.
    package static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws {
        if mkdir(path, mode) == 0 {
            // Whatever mask this process has inherited.
            chmod(path, mode)
            return
        }
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

    /// The corresponding C function is `rename(2)`.
    package static func move(_ path: String, to other: String) throws {
        if Glibc.rename(path, other) != 0 { throw SystemCallError("rename", path, Errno(rawValue: errno)) }
    }

    /// Takes away a directory and everything in it, one level of it open at a time; symbolic links are not followed.
    ///
    /// - Returns: whether it is gone.
    @discardableResult
    package static func removeTree(_ path: String) -> Bool {
        removeTree(path, in: AT_FDCWD)
    }

    private static func removeTree(_ name: String, in parent: Int32) -> Bool {
        let opened = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { return unlinkat(parent, name, 0) == 0 || errno == ENOENT }
        let directory = Descriptor(owning: opened)
        for entry in names(in: directory) where unlinkat(directory.rawValue, entry, 0) != 0 {
            if !removeTree(entry, in: directory.rawValue) { return false }
        }
        return removeDirectory(name, at: parent)
    }

    private static func removeDirectory(_ name: String, at parent: Int32) -> Bool {
        unlinkat(parent, name, 0x200) == 0 || errno == ENOENT  // AT_REMOVEDIR
    }

    package static func remove(_ path: String) {
        unlink(path)
    }

    /// What a file system holds (statvfs(3)).
    package struct Space: Sendable {
        package let usedInBytes: Int
        /// What a user without privileges may still write.
        package let freeInBytes: Int
        /// Not a block of it is free, or no file more can be made.
        package let isFull: Bool

        fileprivate init(_ status: statvfs) {
            freeInBytes = Int(status.f_bavail) * Int(status.f_frsize)
            usedInBytes = Int(status.f_blocks - status.f_bfree) * Int(status.f_frsize)
            isFull = (status.f_blocks > 0 && status.f_bfree == 0) || (status.f_files > 0 && status.f_ffree == 0)
        }
    }

    /// - Throws: `SystemCallError`.
    package static func space(of path: String) throws -> Space {
        var status = statvfs()
        if statvfs(path, &status) != 0 {
            throw SystemCallError("look at the file system of", path, Errno(rawValue: errno))
        }
        return Space(status)
    }

    /// - Throws: `Errno`.
    package static func space(of file: borrowing Descriptor) throws(Errno) -> Space {
        var status = statvfs()
        if fstatvfs(file.rawValue, &status) != 0 { throw Errno(rawValue: errno) }
        return Space(status)
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

    /// Puts a text in the place of a file at once, with the permissions and the owner of the old one, which must be writable.
    ///
    /// The corresponding C function is `rename(2)`. A symbolic link is followed: what it leads to is replaced.
    package static func replace(_ path: String, with text: String) throws {
        let target = realPath(path) ?? path
        var status = stat()
        guard stat(target, &status) == 0, access(target, W_OK) == 0 else {
            throw SystemCallError("replace", path, Errno(rawValue: errno))
        }
        let temporary = "\(target).\(getpid()).tmp"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        if file < 0 { throw SystemCallError("make", temporary, Errno(rawValue: errno)) }
        do {
            try Descriptor(owning: file).write(text)
            guard chown(temporary, status.st_uid, status.st_gid) == 0, chmod(temporary, status.st_mode & 0o7777) == 0,
                rename(temporary, target) == 0
            else { throw SystemCallError("replace", path, Errno(rawValue: errno)) }
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

    /// Standard input, to its end or this many bytes.
    package static func bytesOfInput(upTo limit: Int) throws(Errno) -> [UInt8] {
        let copy = dup(0)
        if copy < 0 { throw Errno(rawValue: errno) }
        return try Descriptor(owning: copy).read(upTo: limit)
    }

    /// Whether nobody but root and this process's user can put something else in the place of what is made in a directory: neither it nor
    /// what leads to it is a symbolic link, belongs to another, or can be written to by others, but where it is sticky.
    package static func isSafe(_ directory: String) -> Bool {
        var path = ""
        return ([""] + directory.split(separator: "/")).allSatisfy { name in
            path += name.isEmpty ? "" : "/\(name)"
            var status = stat()
            guard lstat(path.isEmpty ? "/" : path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                return false
            }
            return (status.st_uid == 0 || status.st_uid == geteuid())
                && (status.st_mode & 0o022 == 0 || status.st_mode & S_ISVTX != 0)
        }
    }

    /// What a file is, under any name: its file system and its inode.
    package struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
    }

    /// The file at a path, symbolic links followed; nil where there is none.
    package static func identity(of path: String) -> Identity? {
        var status = stat()
        return stat(path, &status) == 0 ? Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)) : nil
    }

    /// What changes with every change of a file: device, inode, size and times, as a text; nil where there is none.
    package static func stamp(of path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return "\(status.st_dev) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) "
            + "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
    }

    /// When it was last changed, in seconds since 1970; nil where there is none.
    package static func modificationTime(of path: String) -> Int? {
        var status = stat()
        return lstat(path, &status) == 0 ? Int(status.st_mtim.tv_sec) : nil
    }

    /// The corresponding C function is `chmod(2)`.
    ///
    /// - Returns: whether it was done.
    package static func setMode(of path: String, _ mode: UInt32) -> Bool { chmod(path, mode) == 0 }

    /// A symbolic link. The corresponding C function is `symlink(2)`.
    ///
    /// - Throws: `SystemCallError`.
    package static func makeLink(_ path: String, to target: String) throws {
        if symlink(target, path) != 0 { throw SystemCallError("make link", path, Errno(rawValue: errno)) }
    }

    /// Sets a file's times to now. The corresponding C function is `utimensat(2)`.
    package static func touch(_ path: String) {
        utimensat(AT_FDCWD, path, nil, 0)
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

    /// A program as execvp(3) finds it: as it is written when it has a slash, else in the directories of a search path.
    ///
    /// - Parameter root: a directory in which the paths count from there.
    package static func find(program: String, in searchPath: String, below root: String = "") -> String? {
        if program.contains("/") { return isExecutable(root + program) ? root + program : nil }
        return searchPath.split(separator: ":").map { "\(root)\($0)/\(program)" }.first(where: isExecutable)
    }

    /// Copies a directory with everything in it: directories, regular files and symbolic links, with owners and modes.
    ///
    /// - Throws: `SystemCallError`.
    package static func copyTree(from source: String, to target: String) throws {
        try makeDirectory(target)
        try copyContents(from: source, to: target)
        try copyOwnerAndMode(from: source, to: target)
    }

    /// The same into a directory that is there, whose owner and mode stay.
    ///
    /// - Throws: `SystemCallError`.
    package static func copyContents(from source: String, to target: String, onlyFiles: Bool = false) throws {
        for name in names(in: source) {
            let (from, to) = ("\(source)/\(name)", "\(target)/\(name)")
            if !isRealDirectory(from) {
                try copyEntry(from: from, to: to)
            } else if !onlyFiles {
                if isDirectory(to) { try copyContents(from: from, to: to) } else { try copyTree(from: from, to: to) }
            }
        }
    }

    /// Copies a regular file or a symbolic link, with its owner; what is neither is left out.
    ///
    /// - Throws: `SystemCallError`.
    package static func copyEntry(from source: String, to target: String) throws {
        var status = stat()
        guard lstat(source, &status) == 0 else { throw SystemCallError("copy", source, Errno(rawValue: errno)) }
        switch status.st_mode & S_IFMT {
        case S_IFLNK:
            guard let text = self.target(ofLink: source), symlink(text, target) == 0,
                lchown(target, status.st_uid, status.st_gid) == 0
            else {
                throw SystemCallError("copy", source, Errno(rawValue: errno))
            }
        case S_IFREG: try copyFile(from: source, to: target, status)
        default: return
        }
    }

    /// How many bytes the regular files of a directory have; counting ends beyond a limit. Symbolic links are not followed.
    package static func sizeOfTree(_ directory: String, upTo limit: Int) -> Int {
        var size = 0
        for name in names(in: directory) where size <= limit {
            var status = stat()
            guard lstat("\(directory)/\(name)", &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: size += sizeOfTree("\(directory)/\(name)", upTo: limit - size)
            case S_IFREG: size += Int(status.st_size)
            default: continue
            }
        }
        return size
    }

    /// Permissions and special bits of a directory; nil where there is none.
    package static func modeOfDirectory(_ path: String) -> UInt16? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        return UInt16(status.st_mode & 0o7777)
    }

    /// Gives a directory and everything in it an owner. The corresponding C function is `lchown(2)`.
    package static func setOwner(ofTree path: String, user: UInt32, group: UInt32) throws {
        if lchown(path, user, group) != 0 { throw SystemCallError("give an owner to", path, Errno(rawValue: errno)) }
        guard isDirectory(path), target(ofLink: path) == nil else { return }
        for name in names(in: path) { try setOwner(ofTree: "\(path)/\(name)", user: user, group: group) }
    }

    private static func copyFile(from source: String, to target: String, _ status: stat) throws {
        do {
            let input = try Descriptor.open(source, .read)
            let output = try Descriptor.open(target, .truncate)
            var rest = Int(status.st_size)
            while rest > 0 {
                let count = try valueOrErrno { sendfile(output.rawValue, input.rawValue, nil, rest) }
                if count == 0 { break }
                rest -= count
            }
        } catch {
            throw SystemCallError("copy", source, error)
        }
        guard chown(target, status.st_uid, status.st_gid) == 0, chmod(target, status.st_mode & 0o7777) == 0 else {
            throw SystemCallError("give its owner and mode to", target, Errno(rawValue: errno))
        }
        var times = [status.st_atim, status.st_mtim]
        utimensat(AT_FDCWD, target, &times, 0)
    }

    /// Notes when each regular file below a directory was last changed; symbolic links are not followed.
    package static func note(filesIn directory: String, as path: String, into result: inout [String: Int64]) {
        for name in names(in: directory) where result.count < 5000 {
            var status = stat()
            guard lstat("\(directory)/\(name)", &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: note(filesIn: "\(directory)/\(name)", as: "\(path)/\(name)", into: &result)
            case S_IFREG:
                result["\(path)/\(name)"] = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
            default: continue
            }
        }
    }

    /// Gives one directory the owner, mode and times of another.
    package static func copyOwnerAndMode(from source: String, to target: String) throws {
        var status = stat()
        guard stat(source, &status) == 0, chown(target, status.st_uid, status.st_gid) == 0,
            chmod(target, status.st_mode & 0o7777) == 0
        else { throw SystemCallError("give the owner and mode of \(source) to", target, Errno(rawValue: errno)) }
        var times = [status.st_atim, status.st_mtim]
        utimensat(AT_FDCWD, target, &times, 0)
    }
}
