import Kernel
import Model
import Sandbox
import Vocabulary

/// A container in which programs of this machine deal with what came from outside: they see the host's root and change nothing of it.
///
/// Belongs to a thread of the session.
struct ToolContainer {
    let session: Session
    let memoryLimitInBytes: Int
    let patience: Duration

    private static let outputLimitInBytes = 8 << 20

    /// Runs a shell script to its end.
    ///
    /// - Parameters:
    ///   - input: a file of the host; it is `/input` inside.
    ///   - tree: a directory of the host that may be written to; it is `/.harness/tree` inside.
    /// - Returns: what it has printed, 8 MiB at most.
    /// - Throws: `CannotRun`, also where it takes too long.
    func run(_ script: String, _ arguments: [String] = [], input: String? = nil, tree: String? = nil) throws -> String {
        var settings = ContainerSettings()
        settings.memoryLimit = memoryLimitInBytes
        settings.processLimit = 64
        let container = try Container(
            host: session.host, settings: settings, named: ["/bin/sh"] + (input.map { [$0] } ?? []), volumes: nil)
        defer { container.remove() }
        let started = try container.start(
            Container.Program(
                command: ["/bin/sh", "-c", script, "sh"] + arguments,
                // The host's own /tmp is nobody's business here.
                tmpfs: ["/tmp"],
                boundFiles: input.map { [BoundFile(source: $0, target: "/input")] } ?? [],
                workplaces: tree.map { ["tree": $0] } ?? [:]), isLookedAt: false)
        return try started.parts { process, output, _ in
            let deadline = MonotonicInstant.now.advanced(by: patience)
            var said: [UInt8] = []
            var poller = Poller()
            for descriptor in [process.descriptor.rawValue, output.rawValue, session.cancellation.descriptor] {
                poller.add(descriptor)
            }
            while try process.reap(blocking: false) == nil {
                if session.isCancelled || MonotonicInstant.now >= deadline {
                    try? process.send(.kill)
                    _ = try? process.reap(blocking: true)
                    throw CannotRun(
                        reason: session.isCancelled ? "interrupted" : "it takes more than \(patience.text)", remedy: "")
                }
                try poller.wait(until: deadline)
                if poller.isReady(1) { ToolContainer.read(output, into: &said) }
            }
            ToolContainer.read(output, into: &said)
            return String(decoding: said, as: UTF8.self)
        }
    }

    /// What there is now.
    private static func read(_ output: borrowing Descriptor, into said: inout [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while let count = try? buffer.withUnsafeMutableBytes({ try output.read(into: $0) }), count > 0 {
            if said.count < outputLimitInBytes { said += buffer[..<count] }
        }
    }
}
