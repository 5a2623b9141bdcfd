import Glibc
import Vocabulary

/// A program of the host that is run as the person who runs this process would run it: no sandbox.
package enum HostCommand {
    /// What came of one.
    package struct Outcome: Sendable {
        /// 0: it did what it was to do; 128 + N: signal N ended it.
        package let status: Int32
        /// The beginning of its standard error, the last white space removed.
        package let complaint: String
    }

    /// Runs one to its end; its standard output goes to a file, which is made.
    ///
    /// - Parameter interruption: what kills it: a descriptor that becomes readable; nil: nothing.
    ///
    /// - Throws: `SystemCallError`: it cannot be started, or the file cannot be made.
    package static func run(_ command: [String], outputTo path: String, interruption: Int32? = nil) throws -> Outcome {
        let pipe = try Pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, pipe.writeEnd.rawValue, STDERR_FILENO)
        var arguments = command.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, command[0], &actions, nil, &arguments, environ)
        guard code == 0 else { throw SystemCallError("run", command[0], Errno(rawValue: code)) }
        let output = pipe.takeReadEnd()
        // What it says beyond the limit is read and thrown away: it is not to wait for a reader.
        var said: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        var poller = Poller()
        poller.add(output.rawValue)
        if let interruption { poller.add(interruption) }
        while true {
            do {
                let count = try buffer.withUnsafeMutableBytes { try output.read(into: $0) }
                if count == 0 { break }
                if said.count < buffer.count { said += buffer[..<count] }
            } catch let error as Errno where error == .wouldBlock {
                try poller.wait(until: .distantFuture)
                if poller.isReady(1) {
                    kill(pid, SIGKILL)
                    break
                }
            }
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        let text = String(decoding: said, as: UTF8.self)
        return Outcome(
            status: status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F,
            complaint: String(text.reversed().drop { $0.isWhitespace }.reversed()))
    }
}
