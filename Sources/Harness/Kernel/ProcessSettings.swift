import CLinux
import Glibc
import Synchronization

/// What a process inherits from who started it, and must not depend on.
package enum ProcessSettings {
    /// Makes ends of children seen (SIGCHLD may have been left ignored: then nothing is there to be waited for), writing
    /// to a closed pipe an error instead of an end, and as many files as this process may have available to it.
    ///
    /// Called first, before anything is opened: a standard descriptor that was left closed is opened on /dev/null, so that
    /// nothing else can become it.
    package static func normalise() {
        while case let opened = open("/dev/null", O_RDWR), opened >= 0 {
            if opened > 2 {
                close(opened)
                break
            }
        }
        signal(SIGCHLD, SIG_DFL)
        signal(SIGPIPE, SIG_IGN)
        var limit = rlimit()
        let files = __rlimit_resource_t(7)  // RLIMIT_NOFILE
        if getrlimit(files, &limit) == 0, limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(files, &limit)
        }
    }

    /// How many files this process may have open.
    package static var fileLimit: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return 1024 }  // RLIMIT_NOFILE
        return Int(clamping: limit.rlim_cur)
    }

    /// The number of this process.
    package static var ownNumber: Int32 { getpid() }

    /// How many processors this process may run on, at least one.
    package static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Whether the stack of the first thread is so small that little can be done on it; that of a `Thread` is not.
    package static var hasSmallStack: Bool {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(3), &limit) == 0 && limit.rlim_cur < 1 << 20  // RLIMIT_STACK
    }

    /// Nobody without CAP_SYS_PTRACE may look into this process, or into a child that borrows its memory until its exec: one that is
    /// put into a running container is in its reach for that time (prctl(2), PR_SET_DUMPABLE).
    package static func closeMemory() {
        _ = clinux_close_memory()
    }

    /// The bias of the kernel's choice when memory runs short (proc_pid_oom_score_adj(5)).
    package static let outOfMemoryFile = "/proc/self/oom_score_adj"
    private static let score = Mutex<String?>(nil)
    /// The bias that this process had, which what it starts is to have; nil: it has it still.
    package static var formerOutOfMemoryScore: String? { score.withLock { $0 } }

    /// When memory runs short, the kernel ends what this process has started before this process. Without the privilege nothing is
    /// changed.
    package static func outliveOthers() {
        let former = (Files.text(of: outOfMemoryFile) ?? "").filter { !$0.isWhitespace }
        guard let number = Int(former), number > -900 else { return }
        guard (try? Files.write("-900", to: outOfMemoryFile)) != nil else { return }
        score.withLock { $0 = former }
    }

    /// The nice value of this process, which what it starts is to have too.
    package static let priority: Int32 = getpriority(__priority_which_t(0), 0)

    /// Puts the calling thread in front of what it watches: a runtime's clocks run on however busy its containers are. Without
    /// the privilege nothing is changed.
    package static func raiseThreadPriority() {
        _ = setpriority(__priority_which_t(0), 0, priority - 10)
    }

    /// A variable of the environment, or nil.
    package static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// The variable that holds the path of the executable, when it runs from a mount or a copy of its own.
    package static let executableVariable = "HARNESS_EXECUTABLE"

    /// Where this process's executable is.
    package static var executable: String {
        let link = Files.target(ofLink: "/proc/self/exe") ?? ""
        return clinux_executable_is_sealed() ? environment(executableVariable) ?? link : link
    }

    /// Goes on as the same program from a read-only mount: a process inside can reach the executable of one that is put beside it through
    /// /proc, execute it, and change it (CVE-2019-5736). Returns where that is so already, and where it cannot be done.
    ///
    /// - Parameter arguments: the command line, the program's name first.
    package static func sealExecutable(_ arguments: [String]) {
        if clinux_executable_is_sealed() {
            // Executed by its descriptor it would be called by the number of that.
            if let name = environment(executableVariable)?.split(separator: "/").last { clinux_set_name(String(name)) }
            return
        }
        guard let path = Files.target(ofLink: "/proc/self/exe") else { return }
        setenv(executableVariable, path, 1)
        let strings = CStringArena()
        _ = withExtendedLifetime(strings) { clinux_execute_sealed(path, strings.array(arguments)) }
        unsetenv(executableVariable)
    }
}
