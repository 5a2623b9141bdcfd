/// A limit of the container that one of its processes has met: what failed then failed for that, not by the program's doing.
public enum MetLimit: Hashable, Sendable {
    /// Forks failed (EAGAIN): there were as many processes as there may be.
    case processes(Int)
    /// The kernel killed processes: the container had used up its memory, in bytes.
    case memory(Int)
    /// The same; the containers of the run had used up what they have together, in bytes.
    case memoryOfAll(Int)
    /// Nothing more can be written (ENOSPC): the bytes are used up, or the files.
    case space(Place, Int)
    /// A process has as many files open as it may (EMFILE).
    case openFiles(ProcessID, Int)

    /// What can be full.
    public enum Place: Hashable, Sendable {
        case layer
        /// One that has a limit of its own.
        case volume(String)
        /// All others together.
        case volumes
        /// At this path.
        case tmpfs(String)
    }
}
