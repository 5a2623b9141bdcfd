import CLinux
import Glibc
import ServiceProtocol
import Vocabulary

/// Exit status for a command line that is not understood; sysexits' EX_USAGE.
let usageError: Int32 = 64

/// Says why on standard error, with write(2), and exits.
func fail(_ message: String, status: Int32 = usageError) -> Never {
    say(message)
    exit(status)
}

/// One line on standard error, unbuffered: what is said before a crash must not be lost.
func say(_ message: String) {
    let line = message + "\n"
    _ = line.utf8.withContiguousStorageIfAvailable { Glibc.write(2, $0.baseAddress, $0.count) }
}

/// The connection to the harness. Without one (a fake that is tried out by hand) reports go nowhere.
struct Reporter {
    let socket: Int32
    /// Whether the harness may still have something to say.
    private(set) var isListening: Bool

    init(name: String) {
        socket = clinux_connect_seqpacket(ServiceAddress.socket)
        isListening = socket >= 0
        send(.hello(name: name))
    }

    func send(_ content: Report.Content) {
        guard socket >= 0 else { return }
        let text = Report(content, at: now()).text
        _ = text.utf8.withContiguousStorageIfAvailable {
            Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
    }
}

extension Reporter {
    /// Says that it cannot do what the scenario wants, with the reason that errno gives, and exits with sysexits' EX_CANTCREAT: the
    /// verdict is an error of the scenario.
    func refuse(_ what: String) -> Never {
        let text = "\(what): \(String(cString: strerror(errno)))"
        send(.cannot(text))
        fail("cannot \(text)", status: 73)
    }

    /// What the harness wants of this service, once there is something to read.
    mutating func nextOrder() -> Order? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count == 0 { isListening = false }
        return count > 0 ? Order(text: String(decoding: buffer.prefix(count), as: UTF8.self)) : nil
    }
}

/// What this fake is to do wrong, if anything (FAKE_DEFECT).
func ownDefect() -> Defect? { getenv(ServiceAddress.defectVariable).flatMap { Defect(rawValue: String(cString: $0)) } }

func now() -> MonotonicInstant { MonotonicInstant(nanoseconds: clinux_monotonic_now()) }

/// Waits for descriptors to become readable, until a deadline; which of them did.
func waitForInput(on descriptors: [Int32], until deadline: MonotonicInstant) -> [Bool] {
    var ready = [Bool](repeating: false, count: descriptors.count)
    _ = clinux_poll(descriptors, &ready, descriptors.count, deadline.nanoseconds)
    return ready
}

/// The way to tell the parent of this process that it is ready (READY_FD).
///
/// Taken out of the environment, and closed on exec, as soon as it is known: nothing that this process starts may have it.
struct ReadinessPipe {
    private let descriptor: Int32?

    init() {
        descriptor = getenv(ServiceAddress.readyDescriptorVariable).flatMap { Int32(String(cString: $0)) }
        unsetenv(ServiceAddress.readyDescriptorVariable)
        if let descriptor { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }

    /// Says so, once.
    func announce() {
        guard let descriptor else { return }
        _ = Glibc.write(descriptor, "\n", 1)
        close(descriptor)
    }
}

/// Blocks these signals and gives a descriptor to read them from.
func signalDescriptor(for signals: some Sequence<Signal>) -> Int32 {
    let mask = signals.reduce(UInt64(0)) { $0 | 1 << UInt64($1.rawValue - 1) }
    let descriptor = clinux_signalfd(mask)
    if descriptor < 0 { fail("signalfd: errno \(-descriptor)", status: 70) }
    return descriptor
}

/// Starts a program with this process's environment; its pid, or a negated errno when it could not be executed.
///
/// - Parameter signals: the mask that it starts with, and whether SIGCHLD is ignored; nil: none is blocked, and every
///   signal has its default action.
func start(_ command: [String], newGroup: Int32 = 0, signals: (mask: UInt64, ignoresChildren: Bool)? = nil) -> Int32 {
    let pid = withCStrings(command) { arguments in
        clinux_start_program(
            arguments, UnsafeRawPointer(environ).assumingMemoryBound(to: UnsafePointer<CChar>.self), newGroup,
            signals?.mask ?? 0, signals == nil, signals?.ignoresChildren ?? false)
    }
    if pid < 0 { say("\(command[0]): \(String(cString: strerror(-pid)))") }
    return pid
}

/// Hands a NULL-terminated array of C strings to a call.
func withCStrings<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>>) -> Result) -> Result {
    let array = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { array[index] = strdup(string) }
    array[strings.count] = nil
    defer {
        for index in strings.indices { free(array[index]) }
        array.deallocate()
    }
    return body(UnsafeRawPointer(array).assumingMemoryBound(to: UnsafePointer<CChar>.self))
}

/// What a program that could not be executed counts as having exited with: the rule of shells, and of Docker (moby,
/// daemon/errors.go).
func exitStatus(ofExecFailure code: Int32) -> Int32 { code == ENOENT ? 127 : 126 }

/// The text of a small file, or nil.
func contents(of path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = read(file, &buffer, buffer.count)
        if count <= 0 { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
        bytes += buffer.prefix(count)
    }
}

/// Puts a file in its place in one go: a reader finds the old one or the new one, whole. False: errno says why.
func replaceFile(_ path: String, with text: String) -> Bool {
    let temporary = path + ".new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { return false }
    defer { close(file) }
    let isWritten = text.utf8.withContiguousStorageIfAvailable {
        Glibc.write(file, $0.baseAddress, $0.count) == $0.count
    }
    return isWritten == true && fsync(file) == 0 && rename(temporary, path) == 0
}

/// PID 1 of a namespace that containers share: reaps the orphans that it inherits, and does nothing else.
func reapForEver() -> Never {
    // No process of the namespace may read its memory or trace it (PR_SET_DUMPABLE).
    _ = clinux_close_memory()
    var ends = sigset_t()
    sigemptyset(&ends)
    sigaddset(&ends, SIGCHLD)
    // Before the first look: an end that comes after it is kept.
    sigprocmask(SIG_BLOCK, &ends, nil)
    while true {
        while waitpid(-1, nil, WNOHANG) > 0 {}
        sigwaitinfo(&ends, nil)
    }
}

/// Forks processes that exit after this one: PID 1 is to reap them.
func leaveOrphans(_ count: Int) -> Never {
    for number in 0..<count {
        let lifetime = Duration.milliseconds(100 + 10 * number)
        if clinux_fork_sleeper(UInt64(lifetime.inNanoseconds), false) < 0 { fail("orphans: cannot fork", status: 1) }
    }
    exit(0)
}

/// Forks a client that is connected to a TCP port of this machine, and stays so.
///
/// - Parameter line: what it sends before it falls silent; nil: nothing.
func leaveClient(of port: UInt16, saying line: String?) -> Never {
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    if client < 0 || result != 0 { fail("connect: \(String(cString: strerror(errno)))", status: 1) }
    if let line, send(client, line + "\r\n", line.utf8.count + 2, Int32(MSG_NOSIGNAL)) < 0 {
        fail("connect: \(String(cString: strerror(errno)))", status: 1)
    }
    if clinux_fork_sleeper(UInt64(Duration.seconds(600).inNanoseconds), false) < 0 {
        fail("connect: cannot fork", status: 1)
    }
    exit(0)
}
