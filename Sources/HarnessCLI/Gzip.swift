import Glibc

/// gzip(1), which every distribution has, as a filter.
enum Gzip {
    /// What does not fit into memory is none of ours.
    private static let limitInBytes = 2 << 30

    /// - Returns: nil where there is no gzip, or it has failed.
    static func compressed(_ bytes: [UInt8]) -> [UInt8]? { filter(["gzip", "-c", "-6", "-n"], bytes) }

    /// - Returns: nil where there is no gzip, or the bytes are none of its, or very many.
    static func decompressed(_ bytes: [UInt8]) -> [UInt8]? { filter(["gzip", "-c", "-d"], bytes) }

    private static func filter(_ command: [String], _ bytes: [UInt8]) -> [UInt8]? {
        // A file for input: with two pipes each side could wait for the other.
        guard let input = temporaryFile(bytes) else { return nil }
        defer { close(input) }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var arguments = command.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        let failure = posix_spawnp(&pid, command[0], &actions, nil, &arguments, environ)
        close(ends[1])
        guard failure == 0 else { return nil }
        let output = everything(from: ends[0])
        if output == nil { kill(pid, SIGKILL) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return status == 0 ? output : nil
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
