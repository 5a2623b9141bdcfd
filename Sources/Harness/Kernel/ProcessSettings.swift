import CLinux
import Glibc

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

    /// Nobody without CAP_SYS_PTRACE may look into this process, or into a child that borrows its memory until its exec: one that is
    /// put into a running container is in its reach for that time (prctl(2), PR_SET_DUMPABLE).
    package static func closeMemory() {
        _ = clinux_close_memory()
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
}
