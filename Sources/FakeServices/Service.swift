import CLinux
import Glibc
import ServiceProtocol
import Vocabulary

/// A daemon that behaves as its arguments say, and reports what happens to it.
func runService(name: String, behaviour arguments: [String]) -> Never {
    let behaviour: Behaviour
    do {
        behaviour = try Behaviour(arguments: arguments)
    } catch {
        fail("service \(name): '\(error.text)' is not a behaviour")
    }
    if let path = behaviour.pidFile { leaveDaemon(name, behaviour, pidFile: path) }
    var service = Service(name: name, behaviour: behaviour)
    service.run()
}

/// Leaves the service in its place, as a daemon in a session of its own: writes its number down when it is ready, and exits.
private func leaveDaemon(_ name: String, _ behaviour: Behaviour, pidFile: String) -> Never {
    var own = behaviour
    own.pidFile = nil
    // What has started this waits for its end.
    unsetenv(ServiceAddress.readyDescriptorVariable)
    var ends: (Int32, Int32) = (-1, -1)
    _ = clinux_pipe(&ends.0, &ends.1, true)
    let inherited = dup(ends.1)  // without close-on-exec
    setenv(ServiceAddress.readyDescriptorVariable, String(inherited), 1)
    let daemon = start([ServiceAddress.program, "service", name] + own.arguments, newGroup: 2)
    if daemon < 0 {
        fail("service \(name): its daemon could not be started", status: 71)
    }
    close(inherited)
    close(ends.1)
    var byte: UInt8 = 0
    _ = waitForInput(on: [ends.0], until: .distantFuture)
    guard read(ends.0, &byte, 1) == 1 else { fail("service \(name): its daemon has died", status: 1) }
    if ownDefect() != .writesNoPidFile, !replaceFile(pidFile, with: "\(daemon)\n") {
        Reporter(name: "\(name).starter").refuse("write its pid file \(pidFile)")
    }
    exit(0)
}

/// Becomes what the harness has written down for a service, for inits that learn of their services from files.
func becomeService(_ name: String) -> Never {
    let path = ServiceAddress.commandFile(of: name)
    guard let text = contents(of: path) else { fail("service \(name): \(path): \(String(cString: strerror(errno)))") }
    let arguments = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
        line.replacing("\\n", with: "\n").replacing("\\\\", with: "\\")
    }
    guard !arguments.isEmpty else { fail("service \(name): \(path) is empty") }
    become(arguments.map { String($0) })
}

/// Becomes another program; says why when that fails.
func become(_ command: [String]) -> Never {
    _ = withCStrings(command) { arguments in
        execvp(
            command[0],
            UnsafeMutableRawPointer(mutating: arguments).assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self))
    }
    let code = errno
    fail("\(command[0]): \(String(cString: strerror(code)))", status: exitStatus(ofExecFailure: code))
}

/// Becomes a real program, after having told the harness under which name.
func runProgram(name: String, command: [String]) -> Never {
    let reporter = Reporter(name: name)
    reporter.send(.executes(program: command[0]))
    ReadinessPipe().announce()
    become(command)
}

/// One running service: a loop around signals, children and deadlines.
private struct Service {
    let name: String
    let behaviour: Behaviour
    var reporter: Reporter
    let readiness = ReadinessPipe()
    /// Readable when a signal has come that this service handles.
    let signals: Int32
    /// Those that an orderly stop waits for.
    var childrenInSession: [Int32] = []

    init(name: String, behaviour: Behaviour) {
        self.name = name
        self.behaviour = behaviour
        // A signal that is neither listed nor stops the service keeps its default action, as in a real daemon.
        signals = signalDescriptor(
            for: behaviour.stopSignals + behaviour.ignoredSignals + behaviour.exitCodes.keys)
        reporter = Reporter(name: name)
    }

    mutating func run() -> Never {
        if behaviour.data != nil { write(Behaviour.dirtyData) }
        waitForSignals(until: now().advanced(by: behaviour.readyAfter))
        startChildren()
        leaveZombies()
        for _ in 0..<behaviour.orphans
        where clinux_fork_sleeper(UInt64(behaviour.orphansLive.inNanoseconds), true) != 0 {
            reporter.refuse("make an orphan")
        }
        // Last: who waits for it finds everything there.
        reporter.send(.ready)
        if ownDefect() != .neverNotifies { announce() }
        end()
    }

    private func announce() {
        readiness.announce()
        guard behaviour.notifies, let address = getenv(ServiceAddress.notifySocketVariable) else { return }
        let problem = clinux_notify(address, "READY=1")
        if problem < 0 { say("service \(name): \(String(cString: address)): \(String(cString: strerror(-problem)))") }
    }

    private mutating func startChildren() {
        for index in 0..<behaviour.children {
            let command = [
                ServiceAddress.program, "service", Behaviour.childName(index + 1, of: name),
            ]
            let pid = start(command, newGroup: behaviour.childrenHaveOwnSession ? 2 : 0)
            if pid < 0 { continue }
            if !behaviour.childrenHaveOwnSession { childrenInSession.append(pid) }
        }
    }

    /// Children that have exited when this returns. Their ends are seen through descriptors: a wait, even one that only
    /// looks, could be taken for what a zombie lacks.
    private func leaveZombies() {
        for _ in 0..<behaviour.zombies {
            let descriptor = clinux_pidfd_open(clinux_fork_sleeper(0, false))
            guard descriptor >= 0 else { reporter.refuse("make a child") }
            _ = waitForInput(on: [descriptor], until: .distantFuture)
            close(descriptor)
        }
    }

    /// Lives until something ends it.
    private mutating func end() -> Never {
        switch behaviour.ending {
        case .exits(let code, let delay):
            waitForSignals(until: now().advanced(by: delay))
            finish(code)
        case .dies(let signal, let delay):
            waitForSignals(until: now().advanced(by: delay))
            die(of: signal)
        case nil:
            waitForSignals(until: .distantFuture)
            finish(0)
        }
    }

    /// Handles what comes until the deadline; does not return from a signal that ends the service.
    private mutating func waitForSignals(until deadline: MonotonicInstant) {
        while now() < deadline {
            let inputs = waitForInput(
                on: reporter.isListening ? [signals, reporter.socket] : [signals], until: deadline)
            if inputs.count > 1, inputs[1] { obey() }
            guard inputs[0] else { continue }
            var sender: Int32 = 0
            let number = clinux_read_signal(signals, &sender)
            guard number > 0 else { continue }
            let signal = Signal(rawValue: number)
            reporter.send(.caught(signal, sender: sender))
            if let code = behaviour.exitCodes[signal] { finish(code) }
            if behaviour.ignoredSignals.contains(signal) { continue }
            stop()
        }
    }

    /// The orderly stop: takes its time, whatever else comes, then waits for the children.
    private mutating func stop() -> Never {
        reporter.send(.stopping)
        let deadline = now().advanced(by: behaviour.stopTakes)
        while now() < deadline {
            guard waitForInput(on: [signals], until: deadline)[0] else { continue }
            var sender: Int32 = 0
            let number = clinux_read_signal(signals, &sender)
            if number > 0 { reporter.send(.caught(Signal(rawValue: number), sender: sender)) }
        }
        for child in childrenInSession { while waitpid(child, nil, 0) < 0 && errno == EINTR {} }
        if behaviour.data != nil, ownDefect() != .leavesDataDirty { write(Behaviour.cleanData) }
        finish(0)
    }

    /// Does what the harness has told it to.
    private mutating func obey() {
        guard let order = reporter.nextOrder() else { return }
        switch order {
        case .orphan(let count, let time):
            let made = (0..<count).count { _ in clinux_fork_sleeper(UInt64(max(0, time.inNanoseconds)), true) == 0 }
            reporter.send(.orphaned(count: made))
        }
    }

    /// Puts a text into the data file, in the place of what was there.
    private func write(_ text: String) {
        guard let path = behaviour.data else { return }
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        if file < 0 { reporter.refuse("write \(path)") }
        let isWritten = text.utf8.withContiguousStorageIfAvailable {
            Glibc.write(file, $0.baseAddress, $0.count) == $0.count
        }
        if isWritten != true { reporter.refuse("write \(path)") }
        close(file)
    }

    private func finish(_ code: Int32) -> Never {
        reporter.send(.finished(code: code))
        _exit(code)
    }

    private func die(of signal: Signal) -> Never {
        Glibc.signal(signal.rawValue, SIG_DFL)
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, signal.rawValue)
        sigprocmask(SIG_UNBLOCK, &set, nil)
        kill(getpid(), signal.rawValue)
        // Still here: the default action is not to end the process, or this is PID 1, to which it does not apply.
        reporter.send(.caught(signal, sender: getpid()))
        finish(0)
    }
}
