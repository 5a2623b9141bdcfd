import Kernel
import Model
import Sandbox
import Vocabulary

extension InitProfile {
    /// How long a program may take to say its version.
    private static let patience = Duration.seconds(5)

    /// The first line of what it prints when it is asked for its version, or nil.
    ///
    /// Blocks until it has answered. It runs on the host, as whoever has installed it would run it.
    public var installedVersion: String? {
        guard let program = version.first else { return nil }
        var command = version
        command[0] =
            layers.lazy.compactMap { Files.find(program: program, in: Container.searchPath, below: $0) }.first
            ?? program
        guard let output = try? Pipe(), let input = try? Descriptor.open("/dev/null", .read) else { return nil }
        let steps: [SetupStep] = [
            .descriptor(input.rawValue, becomes: 0), .descriptor(output.writeEnd.rawValue, becomes: 1),
            .descriptor(output.writeEnd.rawValue, becomes: 2),
        ]
        guard
            let process = try? spawn(
                arguments: command, environment: ["PATH=\(Container.searchPath)", "LC_ALL=C"],
                searchPath: Container.searchPath, namespaces: [], steps: steps)
        else { return nil }
        var poller = Poller()
        poller.add(process.descriptor.rawValue)
        try? poller.wait(until: .now.advanced(by: InitProfile.patience))
        if (try? process.reap(blocking: false)) == nil {
            try? process.send(.kill)
            _ = try? process.reap(blocking: true)
        }
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { buffer in
            let count = (try? output.readEnd.read(into: buffer)) ?? 0
            bytes = Array(buffer.prefix(count))
        }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init)
    }
}
