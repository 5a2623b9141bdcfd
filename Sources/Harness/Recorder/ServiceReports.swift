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
        /// Who has spoken on it last.
        var speaker: ProcessID?
        var isOpen = true

        init(_ descriptor: consuming Descriptor) {
            self.descriptor = descriptor
        }
    }

    private var connections: [Connection] = []
    private var messageCount = 0
    private var droppedBytes = 0
    private var hasDropped = false
    /// Whether ends of services are to be seen through their process descriptors.
    private let watchesProcesses: Bool

    /// How many connections are open at once; one more is closed unheard.
    package static let connectionLimit = 256
    /// How many messages of one container are listened to.
    package static let messageLimit = 50_000
    /// How much is taken at a time, before others get their turn.
    private static let portion = 256

    /// When it began to listen.
    private let opened = MonotonicInstant.now

    /// What every fake executes.
    private let fakes: Files.Identity?

    /// - Parameter fakes: the executable of the fakes.
    package init(watchesProcesses: Bool, fakes: Files.Identity?) {
        self.watchesProcesses = watchesProcesses
        self.fakes = fakes
    }

    /// Adds what is to be waited for.
    package func addDescriptors(to poller: inout Poller) {
        for connection in connections {
            if connection.isOpen { poller.add(connection.descriptor.rawValue) }
            if let process = connection.process?.descriptor.rawValue { poller.add(process) }
        }
    }

    /// Takes new connections, and what has been said on all of them.
    ///
    /// - Parameter known: the moment up to which the journal is complete: what was said before it is dated right behind it,
    ///   so that the answers that were given about that time stay true.
    package mutating func read(from socket: borrowing ServiceSocket, since known: MonotonicInstant) -> [Event] {
        var result: [Event] = []
        for _ in 0..<ServiceReports.portion {
            // One too many is closed at once.
            guard let accepted = socket.accept() else { break }
            if connections.count < ServiceReports.connectionLimit {
                connections.append(Connection(accepted))
            } else {
                drop(0, &result)
            }
        }
        for connection in connections { read(connection, since: known, &result) }
        if watchesProcesses { noteEnds(&result) }
        connections.removeAll { !$0.isOpen && $0.process == nil }
        return result
    }

    private mutating func read(_ connection: Connection, since known: MonotonicInstant, _ result: inout [Event]) {
        for _ in 0..<ServiceReports.portion where connection.isOpen {
            guard let received = connection.descriptor.receive() else {
                connection.isOpen = false
                return
            }
            guard let message = received else { return }
            messageCount += 1
            guard messageCount <= ServiceReports.messageLimit else {
                drop(message.text.utf8.count, &result)
                connection.isOpen = false
                return
            }
            guard let report = Report(text: message.text) else {
                drop(message.text.utf8.count, &result)
                continue
            }
            // The clock is the speaker's word too: no report is from the future either.
            let now = MonotonicInstant.now
            // What was said before all was known that happened up to then is heard late: as early as it can be now. From before
            // there was a container, nobody has spoken.
            let isPossible = report.instant >= opened && report.instant <= now
            let instant = isPossible ? max(report.instant, min(known.advanced(by: .nanoseconds(1)), now)) : now
            result.append(Event(at: instant, .said(word(report.content, of: message.sender), by: message.sender)))
            connection.speaker = message.sender
            if watchesProcesses, connection.process == nil {
                connection.process = try? PIDDescriptor(opening: message.sender)
            }
        }
    }

    /// A name is believed of a process that executes the fakes' own file, under any path inside.
    private func word(_ content: Report.Content, of sender: ProcessID) -> ServiceWord {
        guard case .hello(let name) = content else { return ServiceWord(content) }
        // Of one that is gone, or has become a real program, the witness may know what it was.
        return fakes != nil && Files.identity(of: "/proc/\(sender)/exe") == fakes
            ? .hello(name: name) : .claimed(name: name)
    }

    /// Ends of services, seen through their descriptors. Those that are found together have one time: which came first is
    /// not known. What was looked at before another one's end was found is looked at again, lest an earlier end be
    /// taken for a later one.
    private func noteEnds(_ result: inout [Event]) {
        var ended: [ProcessID] = []
        var hasFound = true
        while hasFound {
            hasFound = false
            for connection in connections {
                guard let pid = connection.process?.pid else { continue }
                let process = ProcFS.process(pid)
                guard process == nil || process?.isZombie == true else { continue }
                ended.append(pid)
                connection.process = nil
                hasFound = true
            }
        }
        let now = MonotonicInstant.now
        result += ended.map { Event(at: now, .kernel(.exited($0))) }
    }

    /// Tells a service to do something; false when it has no connection, or does not listen.
    package func send(_ order: Order, to pid: ProcessID) -> Bool {
        guard let connection = connections.last(where: { $0.isOpen && $0.speaker == pid }) else { return false }
        return connection.descriptor.send(order.text)
    }

    /// Something was said but not kept: the first time it is told at once, as from here on it is uncertain what was said.
    private mutating func drop(_ bytes: Int, _ result: inout [Event]) {
        if !hasDropped { result.append(Event(at: .now, .dropped(bytes: 0, of: .reports))) }
        hasDropped = true
        droppedBytes += bytes
    }

    /// How much was said but not kept.
    package mutating func finish() -> [Event] {
        defer { droppedBytes = 0 }
        return droppedBytes > 0 ? [Event(at: .now, .dropped(bytes: droppedBytes, of: .reports))] : []
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
            case .orphaned(let count): .orphaned(count: count)
            case .ran(let step): .ran(step: step)
            case .wroteMarker: .wroteMarker
            case .initialised: .initialised
            case .cannot(let what): .cannot(what)
            }
    }
}
