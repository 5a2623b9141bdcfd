import Kernel
import Vocabulary

/// A program that a test runs as people do: with arguments, and an exit status.
public final class Command {
    private let process: Process
    private let output: Stream
    private let errorOutput: Stream
    public var pid: Int32 { process.descriptor.pid.rawValue }

    private final class Process {
        let descriptor: PIDDescriptor
        init(_ descriptor: consuming PIDDescriptor) { self.descriptor = descriptor }
    }

    private final class Stream {
        let descriptor: Descriptor
        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

        /// Takes what there is; false at the end.
        func read(into text: inout [UInt8]) -> Bool {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
            defer { buffer.deallocate() }
            do {
                let count = try descriptor.read(into: buffer)
                text += buffer[..<count]
                return count > 0
            } catch {
                return error == .wouldBlock
            }
        }
    }

    public static let usualEnvironment = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"]

    /// - Parameters:
    ///   - user: another user's id to run it as.
    ///   - environment: `NAME=value`; its PATH is where the program is looked for.
    public init(_ arguments: [String], user: UInt32? = nil, environment: [String] = usualEnvironment) throws {
        let output = try Pipe(), errorOutput = try Pipe(), input = try Descriptor.open("/dev/null", .read)
        var steps: [SetupStep] = [
            .descriptor(input.rawValue, becomes: 0), .descriptor(output.writeEnd.rawValue, becomes: 1),
            .descriptor(errorOutput.writeEnd.rawValue, becomes: 2),
        ]
        if let user { steps.append(.setIDs(user: user, group: user)) }
        process = Process(
            try spawn(
                arguments: arguments, environment: environment,
                searchPath: String(environment.first { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? "/usr/bin:/bin"),
                namespaces: [], steps: steps))
        self.output = Stream(output.takeReadEnd())
        self.errorOutput = Stream(errorOutput.takeReadEnd())
    }

    /// How it ended, and everything that it printed.
    public struct Outcome: Sendable {
        public let status: ExitStatus?
        public let output: String
        public let errors: String
    }

    public func send(_ signal: Signal) throws { try process.descriptor.send(signal) }

    /// What came of it. Blocks until it has ended and closed its output, or until the deadline, when it is killed.
    public func finish(within limit: Duration = .seconds(300)) throws -> Outcome {
        let deadline = MonotonicInstant.now.advanced(by: limit)
        var texts: [[UInt8]] = [[], []]
        var isOpen = [true, true]
        var poller = Poller()
        while isOpen.contains(true), MonotonicInstant.now < deadline {
            poller.removeAll()
            if isOpen[0] { poller.add(output.descriptor.rawValue) }
            if isOpen[1] { poller.add(errorOutput.descriptor.rawValue) }
            try poller.wait(until: deadline)
            for index in 0...1 where isOpen[index] {
                let stream = index == 0 ? output : errorOutput
                isOpen[index] = stream.read(into: &texts[index])
            }
        }
        if MonotonicInstant.now >= deadline { try? process.descriptor.send(.kill) }
        let status = try process.descriptor.reap(blocking: true)
        return Outcome(
            status: status, output: String(decoding: texts[0], as: UTF8.self),
            errors: String(decoding: texts[1], as: UTF8.self))
    }
}
