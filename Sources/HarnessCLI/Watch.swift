import Glibc
import Harness
import Synchronization

/// `harness run --watch`: runs, waits until a scenario, a profile or a program changes, and runs what depends on it.
///
/// Each round is a process of its own: it reads everything anew, and an interrupt ends it as it ends any other run.
struct Watch {
    /// The command line of a round, without `--watch`.
    private let arguments: [String]
    private let executable: String

    /// How long nothing more must change: a compiler writes its output in pieces.
    private static let quietTime = 200
    /// How often that is waited for: where something changes all the time, no longer than two seconds.
    private static let quietTries = 10

    init(_ arguments: [String]) {
        let own = arguments.prefix { $0 != "--" }
        self.arguments = own.filter { $0 != "--watch" } + arguments.dropFirst(own.count)
        executable =
            realpath("/proc/self/exe", nil).map { path in
                defer { free(path) }
                return String(cString: path)
            } ?? "/proc/self/exe"
    }

    /// - Returns: 128 and the signal that ended it, or that this machine cannot do it.
    func run() -> Int32 {
        guard let folders = FolderWatch() else {
            CommandLineTool.write("harness: --watch: \(String(cString: strerror(errno)))\n", to: STDERR_FILENO)
            return CommandLineTool.Status.cannotRun
        }
        Signals.watch()
        var changed: [String] = []
        while true {
            let files = WatchedFiles(arguments)
            files.watch(with: folders)
            // Before the run: what changes during it is run after it.
            let before = files.stamps
            guard round(files.areOfEverything(changed) ? [] : changed) else { return CommandLineTool.Status.cannotRun }
            if let signal = Signals.caught { return 128 + signal }
            CommandLineTool.write(
                "harness: waiting for changes in \(files.all.count) files (Ctrl-C ends it)\n", to: STDERR_FILENO)
            changed = []
            while Signals.caught == nil {
                // New scenarios are changes, too.
                let now = WatchedFiles(arguments)
                now.watch(with: folders)
                changed = now.changes(since: before)
                if !changed.isEmpty || folders.wait(milliseconds: -1) == .interrupted { break }
                for _ in 0..<Watch.quietTries where folders.wait(milliseconds: Watch.quietTime) != .changed { break }
            }
            if let signal = Signals.caught { return 128 + signal }
            let names = changed.map(CommandLineTool.fromHere)
            CommandLineTool.write("\nharness: changed: \(names.joined(separator: ", "))\n", to: STDERR_FILENO)
        }
    }

    /// One run, of everything or of what depends on some files.
    ///
    /// - Returns: false where it could not be started.
    private func round(_ changed: [String]) -> Bool {
        let words = [executable, "run"] + changed.flatMap { ["--changed", $0] } + arguments
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own: an interrupt from the terminal comes once, from here.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var pointers = words.map { strdup($0) } + [nil]
        defer { pointers.forEach { free($0) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, executable, nil, &attributes, &pointers, environ)
        if failure != 0 {
            CommandLineTool.write("harness: \(executable): \(String(cString: strerror(failure)))\n", to: STDERR_FILENO)
            return false
        }
        var status: Int32 = 0
        var told = 0
        while waitpid(pid, &status, WNOHANG) == 0 {
            Signals.wait(for: nil, milliseconds: -1)
            // It reports what there was so far; at a second one it ends at once.
            if let signal = Signals.caught, Signals.count > told {
                told = Signals.count
                kill(pid, signal == SIGQUIT ? SIGINT : signal)
            }
        }
        let signal = status & 0x7f
        if signal != 0 {
            CommandLineTool.write("harness: the run was ended by signal \(signal)\n", to: STDERR_FILENO)
        }
        return true
    }
}

/// The files that a run depends on.
private struct WatchedFiles {
    /// Absolute, each once.
    let all: [String]
    let stamps: [String: Stamp]
    /// Those that no scenario can do without, such as the settings.
    private let ofEverything: Set<String>
    /// Folders in which there may be more of them.
    private let folders: Set<String>

    /// What is another once a file has been written again.
    struct Stamp: Equatable {
        let inode, size: Int
        let modified: [UInt8]

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            (inode, size) = (Int(status.st_ino), Int(status.st_size))
            // Whether it is the same is all that is asked of it.
            modified = withUnsafeBytes(of: status.st_mtim) { Array($0) }
        }
    }

    init(_ arguments: [String]) {
        let files: Set<String>
        (files, ofEverything, folders) = CommandLineTool.dependencies(of: arguments)
        all = files.sorted()
        stamps = Dictionary(uniqueKeysWithValues: files.compactMap { file in Stamp(file).map { (file, $0) } })
    }

    func watch(with watch: FolderWatch) {
        for file in all { watch.add(folderOf: file) }
        for folder in folders { watch.add(folder) }
    }

    /// Files that are there and were not, or are not as they were. One that is gone is waited for: it is being written. Not so the settings, which
    /// may be gone for good.
    func changes(since former: [String: Stamp]) -> [String] {
        all.filter { stamps[$0] != former[$0] && (stamps[$0] != nil || ofEverything.contains($0)) }
    }

    /// Whether what depends on these files is everything.
    func areOfEverything(_ changed: [String]) -> Bool { !ofEverything.isDisjoint(with: changed) }
}

/// The folders of some files: editors and linkers put a new file in the old one's place (inotify(7)).
private final class FolderWatch {
    enum End { case changed, quiet, interrupted }

    private let descriptor: Int32

    /// Nil: see errno.
    init?() {
        let made = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        if made < 0 { return nil }
        descriptor = made
    }

    deinit { close(descriptor) }

    /// Both the folder in which a file is named and the one in which it is.
    func add(folderOf file: String) {
        var paths = [file]
        if let real = realpath(file, nil) {
            paths.append(String(cString: real))
            free(real)
        }
        for path in paths {
            let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            add(folder.isEmpty ? "/" : folder)
        }
    }

    /// Again and again: a folder that was made anew is another one, and one that is watched already stays as it is.
    func add(_ folder: String) {
        let mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB
        inotify_add_watch(descriptor, folder, UInt32(mask))
    }

    /// Until something happens in them, the time is over (negative: never), or a signal has come.
    func wait(milliseconds: Int) -> End {
        switch Signals.wait(for: descriptor, milliseconds: milliseconds) {
        case .ready:
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            while read(descriptor, &buffer, buffer.count) > 0 {}
            return .changed
        case .timeIsOver: return .quiet
        case .signal: return Signals.caught == nil ? .changed : .interrupted
        }
    }
}

/// The signal that has come last, and the ends of a pipe that handlers write to.
private let lastSignal = Atomic<Int32>(0)
private let signalCount = Atomic<Int>(0)
private let alarm = Atomic<Int32>(-1)
private let bell = Atomic<Int32>(-1)

/// Signals that ask for the end, and the one that says that a round has ended. Each ends a wait.
private enum Signals {
    enum Wakeup { case ready, timeIsOver, signal }

    /// The one that asks for the end; nil: none has come.
    static var caught: Int32? {
        let signal = lastSignal.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }

    /// How many have come.
    static var count: Int { signalCount.load(ordering: .relaxed) }

    static func watch() {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        bell.store(ends[0], ordering: .relaxed)
        alarm.store(ends[1], ordering: .relaxed)
        // The process that has started this one may have blocked them.
        var mask = sigset_t()
        sigemptyset(&mask)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD] {
            sigaddset(&mask, signal)
            Glibc.signal(signal) { number in
                if number != SIGCHLD {
                    lastSignal.store(number, ordering: .relaxed)
                    signalCount.wrappingAdd(1, ordering: .relaxed)
                }
                let saved = errno
                var byte: UInt8 = 0
                _ = write(alarm.load(ordering: .relaxed), &byte, 1)
                errno = saved
            }
        }
        sigprocmask(SIG_UNBLOCK, &mask, nil)
    }

    /// For a descriptor that can be read, a time (negative: none), or a signal since the last wait.
    @discardableResult
    static func wait(for descriptor: Int32?, milliseconds: Int) -> Wakeup {
        let pipe = bell.load(ordering: .relaxed)
        var wanted = [
            pollfd(fd: pipe, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        var count = poll(&wanted, 2, Int32(milliseconds))
        while count < 0 && errno == EINTR { count = poll(&wanted, 2, Int32(milliseconds)) }
        var bytes = [UInt8](repeating: 0, count: 64)
        if wanted[0].revents != 0 {
            while read(pipe, &bytes, bytes.count) > 0 {}
            return .signal
        }
        return count > 0 ? .ready : .timeIsOver
    }
}
