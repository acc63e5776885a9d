package newswatchd;

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.document.*;
import org.apache.lucene.index.Term;
import org.apache.lucene.monitor.*;
import org.apache.lucene.queries.intervals.*;
import org.apache.lucene.search.*;

/**
 * The peer of bench_peer: the same rules and articles through Lucene Monitor, one thread, one document a call.
 *
 * <p>usage: LucenePeer FOLDER PASSES. FOLDER holds rules.tsv (kind, then words) and articles.tsv (paragraphs of words cut
 * beforehand, tab between paragraphs), and gets pairs.lucene (article TAB rule, sorted). Settings: multipass presearcher
 * with 2 passes and frequency weights, ids only, paragraphs 1,000 positions apart.
 */
public final class LucenePeer {
  static final String FIELD = "text";

  static Query term(String word) {
    return new TermQuery(new Term(FIELD, word));
  }

  static Query query(String[] r) {
    switch (r[0]) {
      case "phrase":
        return new PhraseQuery(FIELD, r[1], r[2]);
      case "all_none":
        return new BooleanQuery.Builder().add(term(r[1]), BooleanClause.Occur.MUST)
            .add(term(r[2]), BooleanClause.Occur.MUST).add(term(r[3]), BooleanClause.Occur.MUST_NOT).build();
      case "near":
        return new IntervalQuery(FIELD, Intervals.maxgaps(10, Intervals.unordered(Intervals.term(r[1]), Intervals.term(r[2]))));
      case "any_and_phrase": {
        Query any = new BooleanQuery.Builder().add(term(r[1]), BooleanClause.Occur.SHOULD)
            .add(term(r[2]), BooleanClause.Occur.SHOULD).build();
        return new BooleanQuery.Builder().add(any, BooleanClause.Occur.MUST)
            .add(new PhraseQuery(FIELD, r[3], r[4]), BooleanClause.Occur.MUST).build();
      }
      default:
        return term(r[1]);
    }
  }

  static Document document(String line) {
    Document document = new Document();
    for (String paragraph : line.split("\t", -1)) document.add(new TextField(FIELD, paragraph, Field.Store.NO));
    return document;
  }

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    int passes = Integer.parseInt(args[1]);
    List<String> articles = Files.readAllLines(folder.resolve("articles.tsv"));
    Analyzer analyzer = new DelegatingGap(new WhitespaceAnalyzer());
    Map<String, Integer> frequency = new HashMap<>();
    for (String line : articles) {
      for (String word : new HashSet<>(Arrays.asList(line.split("[ \t]")))) frequency.merge(word, 1, Integer::sum);
    }
    Presearcher presearcher =
        new MultipassTermFilteredPresearcher(2, 0f, TermWeightor.termFreqWeightor(frequency, 100, 0.5), Collections.emptyList(), Collections.emptySet());
    long begin = System.nanoTime();
    try (Monitor monitor = new Monitor(analyzer, presearcher)) {
      List<MonitorQuery> batch = new ArrayList<>();
      int n = 0;
      try (BufferedReader reader = Files.newBufferedReader(folder.resolve("rules.tsv"))) {
        for (String line; (line = reader.readLine()) != null; ) {
          batch.add(new MonitorQuery(Integer.toString(n++), query(line.split("\t"))));
          if (batch.size() == 10000) {
            monitor.register(batch);
            batch.clear();
          }
        }
      }
      monitor.register(batch);
      double registered = (System.nanoTime() - begin) / 1e9;
      List<int[]> pairs = new ArrayList<>();
      for (int i = 0; i < articles.size(); ++i) {
        for (QueryMatch match : monitor.match(document(articles.get(i)), QueryMatch.SIMPLE_MATCHER).getMatches()) {
          pairs.add(new int[] {i, Integer.parseInt(match.getQueryId())});
        }
      }
      pairs.sort((a, b) -> a[0] != b[0] ? Integer.compare(a[0], b[0]) : Integer.compare(a[1], b[1]));
      try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(folder.resolve("pairs.lucene"), StandardCharsets.UTF_8))) {
        for (int[] pair : pairs) out.print(pair[0] + "\t" + pair[1] + "\n");
      }
      long until = System.nanoTime() + 15_000_000_000L;  // warm-up
      for (int i = 0; System.nanoTime() < until; i = (i + 1) % articles.size()) {
        monitor.match(document(articles.get(i)), QueryMatch.SIMPLE_MATCHER);
      }
      double[] rates = new double[passes];
      for (int pass = 0; pass < passes; ++pass) {
        long start = System.nanoTime();
        long done = 0;
        do {
          for (String line : articles) monitor.match(document(line), QueryMatch.SIMPLE_MATCHER);
          done += articles.size();
        } while (System.nanoTime() - start < 10_000_000_000L);
        rates[pass] = done / ((System.nanoTime() - start) / 1e9);
      }
      Arrays.sort(rates);
      System.out.printf(Locale.ROOT, "lucene\t%d rules\tregistered in %.1f s\t%d pairs\t%.0f articles/s [%.0f to %.0f]%n", n,
          registered, pairs.size(), rates[passes / 2], rates[0], rates[passes - 1]);
    }
  }

  /** Paragraphs 1,000 positions apart, so that nothing crosses them. */
  static final class DelegatingGap extends org.apache.lucene.analysis.AnalyzerWrapper {
    private final Analyzer inner;

    DelegatingGap(Analyzer inner) {
      super(inner.getReuseStrategy());
      this.inner = inner;
    }

    @Override
    protected Analyzer getWrappedAnalyzer(String field) {
      return inner;
    }

    @Override
    public int getPositionIncrementGap(String field) {
      return 1000;
    }
  }
}
