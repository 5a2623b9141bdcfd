import Glibc

/// A file that is written anew, as `--output`, `--junit` and `--journal` name it.
enum OutputFile {
    /// Opens it, empty. What standard output or error goes to already is added to, not emptied: `--github /dev/stdout > FILE`
    /// keeps what was printed before. Until it is closed it is locked, so that two runs do not write one file.
    ///
    /// - Throws: `BadUsage`: it cannot be made, is a FIFO that nobody reads, or another run writes it.
    static func open(_ path: String, mode: mode_t = 0o644) throws(BadUsage) -> Int32 {
        // A FIFO without a reader is an error, and no reason to wait.
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, mode)
        guard descriptor >= 0 else { throw problem(path) }
        _ = fcntl(descriptor, F_SETFL, O_WRONLY)
        for standard in [STDOUT_FILENO, STDERR_FILENO] where isSameFile(descriptor, standard) {
            // Its own offset would write over what is there; the standard one's is shared.
            let shared = fcntl(standard, F_DUPFD_CLOEXEC, 0)
            close(descriptor)
            guard shared >= 0 else { throw problem(path) }
            return shared
        }
        guard isRegular(descriptor) else { return descriptor }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            close(descriptor)
            throw BadUsage(message: "\(path): another run is writing it")
        }
        guard ftruncate(descriptor, 0) == 0 else {
            defer { close(descriptor) }
            throw problem(path)
        }
        return descriptor
    }

    private static func isRegular(_ descriptor: Int32) -> Bool {
        var of = stat()
        return fstat(descriptor, &of) == 0 && of.st_mode & S_IFMT == S_IFREG
    }

    private static func isSameFile(_ left: Int32, _ right: Int32) -> Bool {
        var (of, other) = (stat(), stat())
        return fstat(left, &of) == 0 && fstat(right, &other) == 0 && of.st_dev == other.st_dev
            && of.st_ino == other.st_ino
    }

    private static func problem(_ path: String) -> BadUsage {
        BadUsage(message: "\(path): \(String(cString: strerror(errno)))")
    }
}
