import Journal
import Kernel
import ServiceProtocol
import Vocabulary

/// The connections of a container's services, and what they say.
///
/// Anything inside may connect and say anything: there is a limit to how much is listened to. Who speaks is not taken
/// from the message but from the kernel.
package struct ServiceReports {
    private final class Connection {
        let descriptor: Descriptor
        /// Opened when it said hello: its end is seen even without a trace.
        var process: PIDDescriptor?
        var isOpen = true

        init(_ descriptor: consuming Descriptor) {
            self.descriptor = descriptor
        }
    }

    private var connections: [Connection] = []
    private var messageCount = 0
    private var droppedBytes = 0
    /// When the last reading began; what had been said before was read by it.
    private var lastReading = MonotonicInstant.now
    /// Whether ends of services are to be seen through their process descriptors.
    private let watchesProcesses: Bool

    package static let connectionLimit = 256
    package static let messageLimit = 50_000
    /// How much is taken at a time, before others get their turn.
    private static let portion = 256

    package init(watchesProcesses: Bool) {
        self.watchesProcesses = watchesProcesses
    }

    /// Adds what is to be waited for.
    package func addDescriptors(to poller: inout Poller) {
        for connection in connections {
            if connection.isOpen { poller.add(connection.descriptor.rawValue) }
            if let process = connection.process?.descriptor.rawValue { poller.add(process) }
        }
    }

    /// Takes new connections, and what has been said on all of them.
    package mutating func read(from socket: borrowing ServiceSocket) -> [Event] {
        // Before the first look: what is said from here on may be read by the next time only.
        let began = MonotonicInstant.now
        for _ in 0..<ServiceReports.portion {
            // One too many is closed at once.
            guard let accepted = socket.accept() else { break }
            if connections.count < ServiceReports.connectionLimit { connections.append(Connection(accepted)) }
        }
        var result: [Event] = []
        for connection in connections {
            read(connection, &result)
            watch(connection, &result)
        }
        connections.removeAll { !$0.isOpen && $0.process == nil }
        lastReading = began
        return result
    }

    private mutating func read(_ connection: Connection, _ result: inout [Event]) {
        for _ in 0..<ServiceReports.portion where connection.isOpen {
            guard let received = connection.descriptor.receive() else {
                connection.isOpen = false
                return
            }
            guard let message = received else { return }
            messageCount += 1
            guard messageCount <= ServiceReports.messageLimit else {
                droppedBytes += message.text.utf8.count
                connection.isOpen = false
                return
            }
            guard let report = Report(text: message.text) else {
                droppedBytes += message.text.utf8.count
                continue
            }
            // The clock is the speaker's word too: no report is from before what was read last, or from the future.
            let now = MonotonicInstant.now
            let instant = report.instant >= lastReading && report.instant <= now ? report.instant : now
            result.append(Event(at: instant, .said(ServiceWord(report.content), by: message.sender)))
            if watchesProcesses, connection.process == nil {
                connection.process = try? PIDDescriptor(opening: message.sender)
            }
        }
    }

    private func watch(_ connection: Connection, _ result: inout [Event]) {
        guard let pid = connection.process?.pid else { return }
        let process = ProcFS.process(pid)
        if process == nil || process?.isZombie == true {
            result.append(Event(at: .now, .kernel(.exited(pid))))
            connection.process = nil
        }
    }

    /// What was said but not kept.
    package mutating func finish() -> [Event] {
        defer { droppedBytes = 0 }
        return droppedBytes > 0 ? [Event(at: .now, .dropped(bytes: droppedBytes, of: "service reports"))] : []
    }
}

extension ServiceWord {
    fileprivate init(_ content: Report.Content) {
        self =
            switch content {
            case .hello(let name): .hello(name: name)
            case .executes(let program): .executes(program: program)
            case .ready: .ready
            case .caught(let signal, let sender): .caught(signal, sender: sender)
            case .stopping: .stopping
            case .finished(let code): .finished(code: code)
            }
    }
}
