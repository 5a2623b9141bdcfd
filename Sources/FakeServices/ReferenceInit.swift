import CLinux
import Glibc
import ServiceProtocol
import Vocabulary

/// The reference init: what a PID 1 ought to do, in as few lines as it takes.
///
/// With one command it forwards every signal to it, reaps whatever is handed to it, and leaves with its status. With
/// services it starts each when those it comes after are ready, and stops them in reverse order on the stop signal. In
/// both cases it leaves nothing behind: what still runs when its services are gone is asked to stop too, and waited for.
struct ReferenceInit {
    /// One service, from its place on the command line to its end.
    private struct Service {
        let name: String
        let after: [String]
        let command: [String]
        var pid: Int32?
        /// The reading end of its readiness pipe, until it is ready.
        var readiness: Int32?
        var isReady = false
        var status: Int32?
    }

    private var services: [Service]
    private let options: Options
    private let signals: Int32
    private var isStopping = false
    /// The status with which the first service to end on its own has ended.
    private var firstEnd: Int32?

    /// How long a service may take to stop before it is killed, and other choices of the command line.
    private struct Options {
        var stopTimeout: Duration = .seconds(5)
        var stopSignal: Signal = .term
        var signalsGroup = false
    }

    static func main(arguments: [String]) -> Never {
        var options = Options()
        var services: [Service] = []
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--stop-timeout":
                guard let time = Duration(text: rest.popFirst() ?? "") else {
                    fail("init: --stop-timeout takes a time")
                }
                options.stopTimeout = time
            case "--stop-signal":
                guard let signal = Signal(rest.popFirst() ?? "") else { fail("init: --stop-signal takes a signal") }
                options.stopSignal = signal
            case "--group": options.signalsGroup = true
            case "--service":
                services.append(service(from: &rest))
            case "--":
                services.append(Service(name: "main", after: [], command: Array(rest)))
                rest = []
            default: fail("init: '\(word)' is not an option")
            }
        }
        guard !services.isEmpty, services.allSatisfy({ !$0.command.isEmpty }) else { fail("init: nothing to start") }
        var this = ReferenceInit(services: services, options: options)
        this.run()
    }

    /// `NAME --after A,B -- COMMAND…`, up to the next `--service`.
    private static func service(from rest: inout ArraySlice<String>) -> Service {
        let name = rest.popFirst() ?? ""
        var after: [String] = []
        if rest.first == "--after" {
            rest.removeFirst()
            after = (rest.popFirst() ?? "").split(separator: ",").map(String.init)
        }
        guard rest.popFirst() == "--" else { fail("init: --service NAME [--after A,B] -- COMMAND…") }
        let command = Array(rest.prefix { $0 != "--service" })
        rest = rest.dropFirst(command.count)
        return Service(name: name, after: after, command: command)
    }

    private init(services: [Service], options: Options) {
        self.services = services
        self.options = options
        // Blocked before the first child exists: no signal can arrive unheard, not even during start-up. Faults stay
        // deliverable.
        let faults: [Signal] = ["SEGV", "BUS", "ILL", "FPE", "TRAP", "ABRT"].compactMap { Signal($0) }
        signals = signalDescriptor(
            for: Signal.all.filter { $0 != .kill && $0 != .stop && !faults.contains($0) })
        // Not PID 1 (tried out by hand): orphans must be handed here all the same.
        if getpid() != 1 { _ = clinux_become_subreaper() }
    }

    private mutating func run() -> Never {
        while !isStopping && firstEnd == nil {
            startThoseThatCan()
            handleEvents(until: .distantFuture)
        }
        stopAll()
        stopLeftovers()
        exit(finalStatus)
    }

    /// With one service its own status; with several 0, unless one has failed.
    private var finalStatus: Int32 {
        if services.count == 1 { return services[0].status ?? 0 }
        return firstEnd ?? services.compactMap(\.status).first { $0 != 0 } ?? 0
    }

    // MARK: - Start

    private mutating func startThoseThatCan() {
        for index in services.indices where services[index].pid == nil {
            let isClear = services[index].after.allSatisfy { name in
                services.contains { $0.name == name && $0.isReady }
            }
            if isClear { startService(index) }
        }
    }

    private mutating func startService(_ index: Int) {
        var ends: (Int32, Int32) = (-1, -1)
        _ = clinux_pipe(&ends.0, &ends.1, true)
        let inherited = dup(ends.1)  // without close-on-exec
        setenv(ServiceAddress.readyDescriptorVariable, String(inherited), 1)
        let pid = start(services[index].command, newGroup: options.signalsGroup ? 1 : 0)
        unsetenv(ServiceAddress.readyDescriptorVariable)
        close(inherited)
        close(ends.1)
        services[index].readiness = ends.0
        services[index].pid = pid
        if pid == nil {
            services[index].pid = 0
            services[index].status = 127
            firstEnd = firstEnd ?? 127
        }
    }

    // MARK: - Events

    /// Handles signals, ends and readiness as they come, for one wake-up.
    private mutating func handleEvents(until deadline: MonotonicInstant) {
        let waiting = services.indices.filter { services[$0].readiness != nil }
        let pipes = waiting.compactMap { services[$0].readiness }
        let ready = waitForInput(on: [signals] + pipes, until: deadline)
        for (index, isReadable) in zip(waiting, ready.dropFirst()) where isReadable { noteReadiness(index) }
        while true {
            var sender: Int32 = 0
            let number = clinux_read_signal(signals, &sender)
            guard number > 0 else { break }
            handle(Signal(rawValue: number))
        }
        // Not only on SIGCHLD, and not once per SIGCHLD: several ends may share one.
        reap()
    }

    private mutating func noteReadiness(_ index: Int) {
        var byte: UInt8 = 0
        guard let descriptor = services[index].readiness else { return }
        // A line: ready. The end without a line: it is a program that knows nothing of readiness, or it has died.
        if read(descriptor, &byte, 1) >= 0 { services[index].isReady = true }
        close(descriptor)
        services[index].readiness = nil
    }

    private mutating func handle(_ signal: Signal) {
        if signal == .chld { return }
        let stops = signal == options.stopSignal || [.term, .int, .quit].contains(signal)
        if services.count > 1 && stops {
            isStopping = true
        } else {
            for service in services where isRunning(service) { send(signal, to: service) }
        }
    }

    private func isRunning(_ service: Service) -> Bool {
        service.status == nil && service.pid != nil
    }

    private func send(_ signal: Signal, to service: Service) {
        guard let pid = service.pid, pid > 0 else { return }
        kill(options.signalsGroup ? -pid : pid, signal.rawValue)
    }

    /// Takes every status there is to be had. True as long as there are children.
    @discardableResult
    private mutating func reap() -> Bool {
        while true {
            var status: Int32 = 0
            let pid = waitpid(-1, &status, WNOHANG)
            if pid == 0 { return true }
            if pid < 0 { return errno == EINTR ? true : false }
            guard let index = services.firstIndex(where: { $0.pid == pid && $0.status == nil }) else { continue }
            let code = clinux_exited(status) ? clinux_exit_code(status) : 128 + clinux_terminating_signal(status)
            services[index].status = code
            if !isStopping { firstEnd = firstEnd ?? code }
        }
    }

    // MARK: - Stop

    /// In reverse order of start, each gone before the next is asked; one that takes too long is killed.
    private mutating func stopAll() {
        isStopping = true
        for index in services.indices.reversed() where isRunning(services[index]) {
            send(options.stopSignal, to: services[index])
            wait(for: options.stopTimeout) { !$0.isRunning($0.services[index]) }
            guard isRunning(services[index]) else { continue }
            send(.kill, to: services[index])
            wait(for: options.stopTimeout) { !$0.isRunning($0.services[index]) }
        }
    }

    /// Whatever else still runs: orphans, daemons in sessions of their own.
    private mutating func stopLeftovers() {
        guard reap() else { return }
        kill(-1, options.stopSignal.rawValue)
        wait(for: options.stopTimeout) { !$0.reap() }
        guard reap() else { return }
        kill(-1, SIGKILL)
        wait(for: options.stopTimeout) { !$0.reap() }
    }

    private mutating func wait(for time: Duration, until isDone: (inout ReferenceInit) -> Bool) {
        let deadline = now().advanced(by: time)
        while !isDone(&self) && now() < deadline { handleEvents(until: deadline) }
    }
}
