// One of libcurl's multi handles on a strand of the io threads, for http_client.cc: libcurl says which sockets it waits
// for and until when, Asio waits. Connections are kept per lane. Every function but the constructor, `cancel` and
// `resume` runs on the strand.
#pragma once

#include <curl/curl.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/http_transfer.h"
#include "net/io_loop.h"

namespace understudy {

class HttpLane : public std::enable_shared_from_this<HttpLane> {
 public:
  using Clock = HttpTransfer::Clock;

  // Throws kInternal where libcurl cannot be started.
  HttpLane(IoThreads& threads, HttpClientOptions options);
  HttpLane(const HttpLane&) = delete;
  HttpLane& operator=(const HttpLane&) = delete;
  ~HttpLane();

  const Strand& strand() const { return strand_; }
  // From any thread: each is done on the strand soon.
  void send(std::shared_ptr<HttpTransfer> transfer);
  void cancel(std::shared_ptr<HttpTransfer> transfer);
  void resume(std::shared_ptr<HttpTransfer> transfer);

  // Ends what is under way and closes all connections. Nothing is begun after it.
  void close();
  // The transfer's deadline may have come nearer.
  void deadline_changed(HttpTransfer& transfer);
  int socket_for(const curl_sockaddr& address);

 private:
  using Descriptor = boost::asio::posix::basic_stream_descriptor<Strand>;
  struct Watch {  // over one socket
    Watch(const Strand& strand, int socket) : descriptor(strand, socket) {}
    Descriptor descriptor;
    int wants = CURL_POLL_NONE;
    bool is_ours = false;  // opened by socket_for(): watched as long as it is open, idle or not
    bool reads = false;    // a wait is under way
    bool writes = false;
  };

  void begin(const std::shared_ptr<HttpTransfer>& transfer);
  void end(HttpTransfer& transfer, std::optional<HttpFailure> failure);
  void give_back(CURL* easy);
  CURL* take_easy();

  void watch(curl_socket_t socket, int what);
  void close_socket(curl_socket_t socket);
  void wait_for(curl_socket_t socket, const std::shared_ptr<Watch>& watch);
  void ready(curl_socket_t socket, const std::shared_ptr<Watch>& watch, int event, bool failed);

  void act(curl_socket_t socket, int event);
  void settle();
  void collect_ended();
  void arm_timer();
  void timer_rang();

  const HttpClientOptions options_;
  const Strand strand_;
  boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Strand> timer_;
  Clock::time_point timer_at_ = Clock::time_point::max();  // when it rings; max: never
  Clock::time_point curl_at_ = Clock::time_point::max();   // when libcurl wants to be called
  CURLM* multi_ = nullptr;                                 // null once closed
  std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  // All that are under way, the next deadline first.
  std::map<std::pair<Clock::time_point, HttpTransfer*>, std::shared_ptr<HttpTransfer>> running_;
  std::vector<CURL*> spare_;  // handles with the fixed options
};

}  // namespace understudy
