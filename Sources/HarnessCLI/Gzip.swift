import Glibc

/// gzip(1), which every distribution has, as a filter.
enum Gzip {
    /// What would not fit into memory is refused.
    private static let limitInBytes = 2 << 30

    /// Begins to compress, and returns at once.
    ///
    /// - Returns: what waits for the end: nil is its answer where there is no gzip, or it has failed.
    static func compressing(_ bytes: [UInt8]) -> () -> [UInt8]? {
        guard let output = temporaryFile([]), let pid = start(["gzip", "-c", "-6", "-n"], bytes, to: output) else {
            return { nil }
        }
        return {
            defer { close(output) }
            guard end(of: pid) == 0 else { return nil }
            lseek(output, 0, SEEK_SET)
            return everything(from: output)
        }
    }

    /// - Returns: nil where there is no gzip, or the bytes are none of its, or very many.
    static func decompressed(_ bytes: [UInt8]) -> [UInt8]? {
        // A pipe: what is too much never is in a file.
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let pid = start(["gzip", "-c", "-d"], bytes, to: ends[1])
        close(ends[1])
        guard let pid else { return nil }
        let output = everything(from: ends[0])
        if output == nil { kill(pid, SIGKILL) }
        return end(of: pid) == 0 ? output : nil
    }

    /// - Returns: the process; nil: it could not be started.
    private static func start(_ command: [String], _ bytes: [UInt8], to output: Int32) -> pid_t? {
        // A file for input: with two pipes each side could wait for the other.
        guard let input = temporaryFile(bytes) else { return nil }
        defer { close(input) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var arguments = command.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        return posix_spawnp(&pid, command[0], &actions, nil, &arguments, environ) == 0 ? pid : nil
    }

    private static func end(of pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return status
    }

    /// Until its end; nil: there is too much of it, or it cannot be read.
    private static func everything(from descriptor: Int32) -> [UInt8]? {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return result }
            if count < 0 {
                if errno == EINTR { continue }
                return nil
            }
            result += buffer[..<count]
            if result.count > limitInBytes { return nil }
        }
    }

    /// One without a name, read from its beginning.
    private static func temporaryFile(_ bytes: [UInt8]) -> Int32? {
        var path = Array("\(CommandLineTool.environment("TMPDIR") ?? "/tmp")/harness-XXXXXX".utf8CString)
        let descriptor = mkstemp(&path)
        if descriptor < 0 { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(path)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 {
                close(descriptor)
                return nil
            }
            rest = rest.dropFirst(count)
        }
        lseek(descriptor, 0, SEEK_SET)
        return descriptor
    }
}
