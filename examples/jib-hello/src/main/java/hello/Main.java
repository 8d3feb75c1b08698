package hello;

/** Says hello. */
public final class Main {
    private Main() {}

    /** Prints one line to the standard output. */
    public static void main(String[] args) {
        System.out.println("Hello from jib");
    }
}
