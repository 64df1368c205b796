// What io_threads.h keeps to itself so that headers stay free of Boost: Asio's context. For this room's .cc files only.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include "net/io_threads.h"

namespace understudy {

struct IoThreads::Loop {
  explicit Loop(int threads) : context(threads), guard(context.get_executor()) {}

  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;
};

using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;

}  // namespace understudy
